#  Writes the numbered migrations and the functions into one C file, so that the binary needs no
#  files beside it.
#
#      cmake -D FILES="0001_a.sql;0002_b.sql" -D FUNCTIONS="functions.sql;…" -D COLUMNS=log_columns.def
#            -D OUTPUT=schema.c -P embed.cmake
#
#  Of the comments at the top of a migration two are read:
#      --  readable_from: N    programs from this number on may use the schema (else: this one only)
#      --  functions: HASH     of the functions that belong to it; said by the newest one
list (SORT FILES)

function (quoted text result)
    string (REPLACE "\\" "\\\\" text "${text}")
    string (REPLACE "\"" "\\\"" text "${text}")
    string (REPLACE "\n" "\\n\"\n    \"" text "${text}")
    set (${result} "${text}" PARENT_SCOPE)
endfunction ()

#  The functions: @V@ is the number of the newest migration, the others come from the table of the
#  log's columns.
list (LENGTH FILES COUNT)
set (SQL "")
foreach (FILE IN LISTS FUNCTIONS)
    file (READ "${FILE}" TEXT)
    string (APPEND SQL "${TEXT}")
endforeach ()
file (STRINGS "${COLUMNS}" ROWS REGEX "^LOG_COLUMN")
foreach (ROW IN LISTS ROWS)
    string (REGEX MATCH "\\(([a-z_]+), ([a-z]+)," UNUSED "${ROW}")
    list (APPEND NAMES "${CMAKE_MATCH_1}")
    list (APPEND ARRAYS "e_${CMAKE_MATCH_1}")
    list (APPEND PARAMETERS "e_${CMAKE_MATCH_1} ${CMAKE_MATCH_2}[]")
endforeach ()
#  The statements that have all columns, with their parameters in the table's order.
set (PARAMETER 2)
foreach (ROW IN LISTS ROWS)
    string (REGEX MATCH "\\(([a-z_]+), ([a-z]+)," UNUSED "${ROW}")
    math (EXPR PARAMETER "${PARAMETER} + 1")
    list (APPEND VALUES "$${PARAMETER}::${CMAKE_MATCH_2}")
    list (APPEND VALUE_ARRAYS "$${PARAMETER}::${CMAKE_MATCH_2}[]")
endforeach ()
foreach (WORD NAMES ARRAYS PARAMETERS VALUES VALUE_ARRAYS)
    list (JOIN ${WORD} ", " ${WORD})
endforeach ()
string (REPLACE "@LOG_COLUMNS@" "${NAMES}" SQL "${SQL}")
string (REPLACE "@LOG_ARRAYS@" "${ARRAYS}" SQL "${SQL}")
string (REPLACE "@LOG_PARAMETERS@" "${PARAMETERS}" SQL "${SQL}")
string (REPLACE "@V@" "${COUNT}" SQL "${SQL}")
string (MD5 HASH "${SQL}")
string (REGEX MATCH "FUNCTION append_${COUNT} \\(([^)]*)\\)" UNUSED "${SQL}")
string (REGEX MATCHALL "," COMMAS "${CMAKE_MATCH_1}")
list (LENGTH COMMAS LAST)
foreach (AT RANGE ${LAST})
    math (EXPR PARAMETER "${AT} + 1")
    list (APPEND APPEND_VALUES "$${PARAMETER}")
endforeach ()
list (JOIN APPEND_VALUES ", " APPEND_VALUES)
set (INSERT "INSERT INTO log (writer, day, ${NAMES})")
quoted ("${SQL}" FUNCTIONS_TEXT)

set (TEXT "//  Made from store/schema by embed.cmake.\n#include \"store/migrations.h\"\n\n")
string (APPEND TEXT "const migration_t migrations_table[] = {\n")
set (AT 0)
foreach (FILE IN LISTS FILES)
    get_filename_component (NAME "${FILE}" NAME_WE)
    math (EXPR AT "${AT} + 1")
    string (REGEX MATCH "^[0-9]+" NUMBER "${NAME}")
    string (REGEX REPLACE "^0+" "" NUMBER "${NUMBER}")
    if (NOT NUMBER EQUAL AT)
        message (FATAL_ERROR "${FILE}: expected migration number ${AT}")
    endif ()
    file (READ "${FILE}" SQL)
    set (READABLE_FROM ${AT})
    if (SQL MATCHES "--  readable_from: ([0-9]+)")
        set (READABLE_FROM ${CMAKE_MATCH_1})
    endif ()
    if (AT EQUAL COUNT AND NOT SQL MATCHES "--  functions: ${HASH}")
        message (FATAL_ERROR "${FILE}: the functions have changed (${HASH}). Once the newest "
                             "migration is released, add a new one; until then write the hash "
                             "into it: '--  functions: ${HASH}'")
    endif ()
    quoted ("${SQL}" SQL)
    string (APPEND TEXT "    { ${NUMBER}, ${READABLE_FROM}, \"${NAME}\",\n    \"${SQL}\" },\n")
endforeach ()
string (APPEND TEXT "};\n\nconst size_t migrations_count = ${COUNT};\n\n"
                    "const char migrations_functions[] =\n    \"${FUNCTIONS_TEXT}\";\n\n"
                    "const char schema_insert_entry[] =\n"
                    "    \"${INSERT} VALUES ($1::bigint, $2::date, ${VALUES})\";\n"
                    "const char schema_insert_entries[] =\n"
                    "    \"${INSERT} SELECT $1::bigint, $2::date, e.*\"\n"
                    "    \" FROM unnest (${VALUE_ARRAYS}) AS e\";\n"
                    "const char schema_append[] =\n"
                    "    \"SELECT * FROM append_${COUNT} (${APPEND_VALUES})\";\n")
file (WRITE "${OUTPUT}" "${TEXT}")
