#  Writes the parts of the API's document into one C file, so that the edge needs no files beside it.
#
#      cmake -D FOLDER=api/openapi -D OUTPUT=openapi_parts.c -P embed.cmake
#
#  document.json       what is said once
#  <operation>.json    one for each row of api_operations.def, with its name in small letters
#  schemas/<Name>.json what they refer to as #/components/schemas/<Name>
file (GLOB OPERATIONS "${FOLDER}/*.json")
file (GLOB SCHEMAS "${FOLDER}/schemas/*.json")
list (SORT OPERATIONS)
list (SORT SCHEMAS)
list (REMOVE_ITEM OPERATIONS "${FOLDER}/document.json")

function (quoted file result)
    file (READ "${file}" text)
    string (JSON type ERROR_VARIABLE mistake TYPE "${text}")
    if (mistake)
        message (FATAL_ERROR "${file}: ${mistake}")
    endif ()
    string (REPLACE "\\" "\\\\" text "${text}")
    string (REPLACE "\"" "\\\"" text "${text}")
    string (REPLACE "\n" "\\n\"\n    \"" text "${text}")
    set (${result} "${text}" PARENT_SCOPE)
endfunction ()

#  An operation that the table does not have is a name that the compiler does not know.
set (TEXT "//  Made from api/openapi by embed.cmake.\n#include \"api/openapi_parts.h\"\n\n")
quoted ("${FOLDER}/document.json" JSON)
string (APPEND TEXT "const char openapi_document[] =\n    \"${JSON}\";\n\n")
string (APPEND TEXT "const openapi_part_t openapi_operations[] = {\n")
foreach (FILE IN LISTS OPERATIONS)
    get_filename_component (NAME "${FILE}" NAME_WE)
    string (TOUPPER "${NAME}" UPPER)
    quoted ("${FILE}" JSON)
    string (APPEND TEXT "    { API_${UPPER}, \"${NAME}\",\n    \"${JSON}\" },\n")
endforeach ()
string (APPEND TEXT "    { .json = NULL },\n};\n\nconst openapi_part_t openapi_schemas[] = {\n")
foreach (FILE IN LISTS SCHEMAS)
    get_filename_component (NAME "${FILE}" NAME_WE)
    quoted ("${FILE}" JSON)
    string (APPEND TEXT "    { 0, \"${NAME}\",\n    \"${JSON}\" },\n")
endforeach ()
string (APPEND TEXT "    { .json = NULL },\n};\n")
file (WRITE "${OUTPUT}" "${TEXT}")
