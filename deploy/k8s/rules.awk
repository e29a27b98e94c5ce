#  rules — what deploy/k8s/render refuses. It reads facts, a line each, with tabs between: which keys
#  site.yaml may have, which settings the programs have (`settings`), and what was rendered. Writes
#  "refuse WORDS" once, or any number of "warn WORDS".

function refuse (words) {
    if (!refused)
        print "refuse " words
    refused = 1
}

# ------------------------------------------------------------------------------------------------
#  Forms.

#  is_name TEXT — of a host, a namespace, or another thing of Kubernetes.
function is_name (text,    count, labels, at) {
    count = split (text, labels, ".")
    for (at = 1; at <= count; at++)
        if (labels [at] !~ /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/ || length (labels [at]) > 63)
            return 0
    return count > 0 && length (text) <= 253
}

function is_number (text, most) {
    return text ~ /^[0-9]+$/ && length (text) <= 3 && text + 0 <= most
}

function is_address (text,    parts, at) {
    if (text ~ /:/)
        return text ~ /^[0-9a-fA-F:.]+$/ && text ~ /:.*:/ && text !~ /:::/
    if (split (text, parts, ".") != 4)
        return 0
    for (at = 1; at <= 4; at++)
        if (!is_number(parts [at], 255))
            return 0
    return 1
}

#  has_more ADDRESS BITS — whether an address of four numbers has bits behind so many.
function has_more (address, bits,    parts, at, value, step) {
    split (address, parts, ".")
    value = 0
    for (at = 1; at <= 4; at++)
        value = value * 256 + parts [at]
    step = 1
    for (at = bits; at < 32; at++)
        step *= 2
    return value % step != 0
}

#  wrong_network TEXT — the first of the networks that is none, or is everybody; "" for none.
function wrong_network (text,    count, networks, at, parts) {
    count = split (text, networks, /[, \t]+/)
    for (at = 1; at <= count; at++) {
        if (split (networks [at], parts, "/") > 2 || !is_address(parts [1]))
            return "\"" networks [at] "\" is no network, such as 10.244.0.0/16"
        if (networks [at] ~ /\// && !is_number(parts [2], parts [1] ~ /:/ ? 128 : 32))
            return "\"" networks [at] "\" is no network, such as 10.244.0.0/16"
        if (networks [at] ~ /\// && parts [1] !~ /:/ && has_more(parts [1], parts [2]))
            return networks [at] " has more bits than /" parts [2] " says"
        if (networks [at] ~ /\/0+$/)
            return networks [at] " is everybody, who could take any address"
    }
    return count > 0 ? "" : "it is empty"
}

#  image_fault IMAGE — what is wrong with it, or "".
function image_fault (image,    name) {
    name = image
    sub (/^.*\//, "", name)
    if (image !~ /^[^\/]*[.:][^\/]*\// && image !~ /^localhost\//)
        return "which names no registry"
    if (image ~ /^\/|\/\/|\/:|[ \t]/)
        return "which is no name of an image"
    if (image !~ /@sha256:/ && (name !~ /:./ || name ~ /:latest$/))
        return "which has no version"
    return ""
}

# ------------------------------------------------------------------------------------------------
#  site.yaml

function check_site (key, value,    wrong) {
    if (!(key in keys))
        refuse("site.yaml has " key ", which nothing takes")
    else if (types [key] != "string")
        refuse("site.yaml: " key " is no text: write it in quotes (\"" value "\")")
    else if (value == "")
        refuse("site.yaml: " key " is empty")
    else if (key == "registry") {
        if (value !~ /^[A-Za-z0-9.-]+(:[0-9]+)?(\/[a-z0-9._-]+)*$/)
            refuse("site.yaml: registry is " value ", which is none: as registry.example.com/stentor, without https:// and / at its end")
    }
    else if (key == "version") {
        if (value !~ /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/ || length (value) > 63)
            refuse("site.yaml: version is " value ", which is no tag of an image and label")
    }
    else if (key == "prometheus") {
        if (value !~ /^https?:\/\/[^ \/?#]+[^ ?#]*$/)
            refuse("site.yaml: prometheus is " value ", which is no address, such as http://prometheus.monitoring:9090")
    }
    else if (key == "trusted-proxies") {
        wrong = wrong_network(value)
        if (wrong != "")
            refuse("site.yaml: trusted-proxies: " wrong)
    }
    else if (key == "host") {
        if (!is_name(value))
            refuse("site.yaml: host is " value ", which is no name of a host: as chat.example.com, without https:// and port")
    }
    else if (!is_name(value))
        refuse("site.yaml: " key " is " value ", which is no name in Kubernetes")
    if (key == "namespace" && value != space)
        refuse("site.yaml: namespace is " value ", and kustomization.yaml puts the edges into " (space == "" ? "none" : space))
}

# ------------------------------------------------------------------------------------------------
#  The services.

#  is_secret SERVICE PATH — whether a Secret is mounted there, or at a directory above.
function is_secret (service, path) {
    while (path != "" && !((service, path) in mounts))
        sub (/\/[^\/]*$/, "", path)
    return path != "" && secrets [service, mounts [service, path]] != ""
}

#  is_file SERVICE SETTING — whether the setting names a file that a Secret has.
function is_file (service, setting) {
    return is_secret(service, values [service, setting])
}

#  is_foreign NAME — what libraries of the services take, and the services do not know.
function is_foreign (name) {
    return name ~ /^(TZ|PG[A-Z]+|SSL_CERT_(FILE|DIR)|OPENSSL_[A-Z]+|MALLOC_[A-Z_]+|GLIBC_TUNABLES)$/
}

#  check_setting SERVICE NAME VALUE — that there is such a setting, and that it is no secret.
function check_setting (service, name, value,    base) {
    base = name
    if (!((service, base) in known))
        sub (/_FILE$/, "", base)
    if (!((service, base) in known)) {
        if (!is_foreign(name))
            refuse(service " has no setting " name ": `" service " --help` has them all")
        return
    }
    if (base != name || value == "")
        return
    if (known [service, name] == "secret" && !(name ~ /_PROXY$/ && value !~ /@/))
        refuse(service " has " name ", a secret, in the manifest: it belongs into a Secret, whose file " name "_FILE names")
    else if (value ~ /:\/\/[^\/@]*:[^\/@]*@/)
        refuse(service " has a password in the manifest, in " name)
}

function is_everywhere (address) {
    return address == "0.0.0.0" || address == "::" || address == "from elsewhere"
}

#  check_port SERVICE SETTING PORT — a setting that is there must be what probes and Services ask for.
function check_port (service, setting, port,    value) {
    if (!((service, setting) in values))
        return
    value = values [service, setting]
    sub (/^.*:/, "", value)
    if (value != ports [service, port])
        refuse(service " listens where nobody asks: " setting " is " values [service, setting] ", and its port `" port "` is " ports [service, port])
}

function check_address (service, setting) {
    if ((service, setting) in values && !is_everywhere(values [service, setting]))
        refuse(service " listens where nobody can ask: " setting " is " values [service, setting] ", and not 0.0.0.0")
}

function check_service (service) {
    if (!(service in deployed)) {
        refuse("there is no Deployment " service)
        return
    }
    if (service in elsewhere)
        refuse(service " takes settings from elsewhere (envFrom), where nobody has looked at them")
    if (values [service, "PRODUCTION"] != "on")
        refuse(service " is not for production: PRODUCTION is not on (overlays/production sets it)")
    if (values [service, "BUS_KEYS"] == "" || !is_secret(service, values [service, "BUS_KEYS"] "/own_secret"))
        refuse(service " has no keys of the bus: no Secret is mounted in BUS_KEYS")
    if (values [service, "BUS_PLAINTEXT"] ~ /./ && values [service, "BUS_PLAINTEXT"] != "off")
        refuse(service " has BUS_PLAINTEXT: the bus would be plain")
    if (!is_file(service, "APPS_FILE"))
        refuse(service " has no apps file: no Secret is mounted at APPS_FILE")
    check_address(service, "OPERATIONS_ADDRESS")
    check_port(service, "OPERATIONS_PORT", "operations")
}

function check_edge () {
    if (!is_file("edge", "EDGE_TLS_CERTIFICATE") || !is_file("edge", "EDGE_TLS_KEY"))
        refuse("edge has no TLS: no Secret is mounted at EDGE_TLS_CERTIFICATE and EDGE_TLS_KEY")
    check_address("edge", "EDGE_ADDRESS")
    check_port("edge", "EDGE_PORT", "http")
    if (values ["edge", "EDGE_TRUSTED_PROXIES"] != "" && wrong_network(values ["edge", "EDGE_TRUSTED_PROXIES"]) != "")
        refuse("edge has EDGE_TRUSTED_PROXIES: " wrong_network(values ["edge", "EDGE_TRUSTED_PROXIES"]))
    if ("edge" in scaled && "edge" in replicas)
        refuse("edge has both replicas and KEDA: each apply would set back what KEDA has scaled")
}

function check_postoffice (    address) {
    if (!is_file("postoffice", "POSTGRES_URL_FILE"))
        refuse("postoffice has no database: no Secret is mounted at POSTGRES_URL_FILE")
    address = values ["postoffice", "POSTOFFICE_BUS_ADDRESS"]
    if (address !~ /^tcp:\/\/(0\.0\.0\.0|\[::\]|\*):[0-9]+$/)
        refuse("postoffice listens where nobody can ask: POSTOFFICE_BUS_ADDRESS is " address ", and not tcp://0.0.0.0:7001")
    check_port("postoffice", "POSTOFFICE_BUS_ADDRESS", "bus")
}

#  How visitors come in: one of the components, or something of your own.
function check_ways (    count) {
    count = ("HTTPRoute edge" in things) + ("Ingress edge" in things) + (service_types ["edge"] == "LoadBalancer")
    if (count > 1)
        refuse("there are two ways in: choose one of load-balancer, gateway and ingress")
    if (count == 0 && !is_way)
        print "warn there is no way in: no component load-balancer, gateway or ingress, and nothing of the like"
}

$1 == "key"     { keys [$2] = 1; next }
$1 == "setting" { known [$2, $3] = $4 == "" ? "setting" : $4; next }

$1 == "thing" && $2 == "Secret" { refuse("Secret " $3 " is rendered: Secrets are made beside (deploy/k8s/secrets)") }
$1 == "thing"   { things [$2 " " $3] = 1 }
$1 == "thing" && $2 ~ /Route$|^Ingress|^VirtualService$/ { is_way = 1 }
$1 == "thing" && $2 == "Deployment" { deployed [$3] = 1; if ($3 == "edge") space = $4 }
$1 == "site"    { types [$2] = $3; site [$2] = $4; order [++sites] = $2 }
$1 == "replicas" { replicas [$2] = 1 }
$1 == "image"   { images [++pictures] = $2 "\t" $3 }
$1 == "cluster" { images [++pictures] = $2 "\t" $3; is_cluster [pictures] = 1; clusters [$2] = 1 }
$1 == "elsewhere" { elsewhere [$2] = 1 }
$1 == "env"     { if (($2, $3) in values) refuse($2 " has " $3 " twice"); values [$2, $3] = $4; variables [++count] = $2 "\t" $3 }
$1 == "port"    { ports [$2, $3] = $4 }
$1 == "mount"   { mounts [$2, $3] = $4 }
$1 == "volume"  { secrets [$2, $3] = $4; volumes [++mounted] = $2 "\t" $3 "\t" $4 }
$1 == "service" { service_types [$2] = $3; if ($3 == "LoadBalancer" || $3 == "NodePort") is_way = 1 }
$1 == "scaler"  { scaled [$2] = 1 }
$1 == "owner"   {
    if ($3 in owners)
        refuse("the Secret " $3 " has two owners: " owners [$3] " and " $2)
    owners [$3] = $2
}

END {
    for (at = 1; at <= sites; at++)
        check_site(order [at], site [order [at]])
    if (values ["edge", "EDGE_DEMO_MODE"] ~ /./ && values ["edge", "EDGE_DEMO_MODE"] != "off")
        refuse("edge is in demo mode: whoever asks to be an agent would be one (EDGE_DEMO_MODE)")
    services = split ("edge postoffice stentor-connector notifier genesys-connector", names, " ")
    for (at = 1; at <= services; at++)
        ours [names [at]] = 1
    for (at = 1; at <= mounted; at++) {
        split (volumes [at], volume, "\t")
        if (volume [3] == "")
            refuse(volume [1] ": the Secret of volume " volume [2] " has no name")
        else if (!is_name(volume [3]))
            refuse(volume [1] ": the Secret of volume " volume [2] " is " volume [3] ", which is no name in Kubernetes")
    }
    for (at = 1; at <= count; at++) {
        split (variables [at], variable, "\t")
        if (variable [1] in ours)
            check_setting(variable [1], variable [2], values [variable [1], variable [2]])
    }
    for (at = 1; at <= services; at++)
        check_service(names [at])
    for (at = 1; at <= pictures; at++) {
        split (images [at], image, "\t")
        fault = image_fault(image [2])
        if (fault == "" && at in is_cluster && image [2] !~ /:[0-9]+\.[0-9]|@sha256:/)
            fault = "whose tag moves on by itself"
        if (fault != "")
            refuse(image [1] " has the image " image [2] ", " fault)
    }
    check_edge()
    check_postoffice()
    check_ways()
    if ("stentor-postgres" in clusters && "ExternalSecret stentor-database" in things && !("stentor-postgres-owner" in owners))
        print "warn nothing here makes stentor-postgres-owner, which CloudNativePG needs: components/external-secrets-owner does"
}
