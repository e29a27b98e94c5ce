#  refusals — what run checks last: what must not be rendered, or made a Secret, is refused by one line
#  that says why. Uses functions of run.

#  refuses WORDS COMMAND… — the command fails, writes nothing, and says one line with the words in it.
refuses () {
    local words=$1
    shift
    "$@" >"$place/written" 2>"$place/said" && { echo "it is not refused"; return 1; }
    [ ! -s "$place/written" ] || { echo "something is written all the same"; return 1; }
    [ "$(wc -l <"$place/said")" = 1 ] || { echo "not one line is said:"; cat "$place/said"; return 1; }
    grep -qF -- "$words" "$place/said" || { echo "it says:"; cat "$place/said"; return 1; }
}

#  spoilt — an installation with every component, for the checks to spoil.
spoilt=$place/installations/spoilt
begin () {
    #  shellcheck disable=SC2086  # a list of words
    installation spoilt ${1:-load-balancer}
}

#  A key of site.yaml that is missing, by kubectl alone and by render.
without_key () {
    begin "${2:-}"
    sed -i "/^  $1:/d" "$spoilt/site.yaml"
    refuses "data.$1\` is missing" kubectl kustomize "$spoilt" &&
        refuses "site.yaml has no $1" deploy/k8s/render "$spoilt"
}

without_site () {
    begin
    sed -i '/site.yaml/d' "$spoilt/kustomization.yaml"
    refuses 'nothing selected by ConfigMap' kubectl kustomize "$spoilt" &&
        refuses 'there is no ConfigMap stentor-site' deploy/k8s/render "$spoilt"
}

without_site_file () {
    begin
    rm "$spoilt/site.yaml"
    refuses 'names site.yaml, which is not there' deploy/k8s/render "$spoilt"
}

#  patched NAME WORDS — with a patch, of standard input, of the Deployment.
patched () {
    begin
    {
        printf 'patches:\n  - patch: |-\n      apiVersion: apps/v1\n      kind: Deployment\n      metadata: {name: %s}\n' "$1"
        sed 's/^/      /'
    } >>"$spoilt/kustomization.yaml"
    refuses "$2" deploy/k8s/render "$spoilt"
}

#  with_variable SERVICE NAME VALUE WORDS
with_variable () {
    patched "$1" "$4" <<<"spec: {template: {spec: {containers: [{name: $1, env: [{name: $2, value: \"$3\"}]}]}}}"
}

without_volume () {
    patched "$1" "$3" <<PATCH
spec:
  template:
    spec:
      containers: [{name: $1, volumeMounts: [{mountPath: $4, \$patch: delete}]}]
      volumes: [{name: $2, \$patch: delete}]
PATCH
}

#  with_value KEY VALUE WORDS — of site.yaml
with_value () {
    begin
    sed -i "s|^  $1: .*|  $1: $2|" "$spoilt/site.yaml"
    refuses "$3" deploy/k8s/render "$spoilt"
}

with_rendered_secret () {
    begin
    printf 'secretGenerator:\n  - {name: stentor-keys, literals: [alert_key=x]}\n' >>"$spoilt/kustomization.yaml"
    refuses 'Secret stentor-keys' deploy/k8s/render "$spoilt"
}

without_service () {
    patched notifier 'there is no Deployment notifier' <<<'$patch: delete'
}

#  with_thing COMPONENTS WORDS — one more thing, of standard input.
with_thing () {
    begin "$1"
    cat >"$spoilt/more.yaml"
    sed -i 's/^  - site.yaml/&\n  - more.yaml/' "$spoilt/kustomization.yaml"
    refuses "$2" deploy/k8s/render "$spoilt"
}

#  Components together, or none.
with_components () {
    begin "$1"
    refuses "$2" deploy/k8s/render "$spoilt"
}

with_replicas () {
    begin 'load-balancer monitoring keda'
    printf 'patches:\n  - {target: {kind: Deployment, name: edge}, patch: "- {op: add, path: /spec/replicas, value: 3}"}\n' \
        >>"$spoilt/kustomization.yaml"
    refuses 'edge has both replicas and KEDA' deploy/k8s/render "$spoilt"
}

#  strange WORDS COMPONENTS — it is rendered, and one line says what is strange.
strange () {
    begin "$2"
    deploy/k8s/render "$spoilt" 2>"$place/said" >"$place/written" && [ -s "$place/written" ] &&
        [ "$(wc -l <"$place/said")" = 1 ] && grep -qF -- "$1" "$place/said"
}

#  What may be set all the same.
is_allowed () {
    begin
    cat >>"$spoilt/kustomization.yaml" <<'PATCH'
patches:
  - patch: |-
      apiVersion: apps/v1
      kind: Deployment
      metadata: {name: stentor-connector}
      spec:
        template:
          spec:
            containers:
              - name: stentor-connector
                env:
                  - {name: BOT_PROXY, value: "http://proxy.example.net:3128"}
                  - {name: TZ, value: UTC}
                  - {name: OPERATIONS_PORT, value: "9103"}
                  - {name: OPERATIONS_ADDRESS, value: "::"}
              - name: beside
                image: registry.example.net/other:1
                env: [{name: ITS_OWN, value: "1"}]
PATCH
    deploy/k8s/render "$spoilt" 2>&1 >"$place/written" | diff - /dev/null
}

#  The way out of docs/kubernetes.md: the certificate is cert-manager's, all else the store's.
certificate_is_of () {
    begin 'load-balancer external-secrets'
    cat >"$spoilt/more.yaml" <<'MORE'
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: stentor-edge}
spec: {secretName: stentor-edge-tls, dnsNames: [chat.example.net], issuerRef: {kind: ClusterIssuer, name: letsencrypt}}
MORE
    sed -i 's/^  - site.yaml/&\n  - more.yaml/' "$spoilt/kustomization.yaml"
    refuses 'stentor-edge-tls has two owners' deploy/k8s/render "$spoilt" || return 1
    documented_patch 'kind: ExternalSecret' >>"$spoilt/kustomization.yaml"
    deploy/k8s/render "$spoilt" >/dev/null
}

#  documented_patch WORDS — the patch of docs/kubernetes.md that has these words.
documented_patch () {
    awk -v words="$1" '/^```yaml$/ { inside = 1; text = ""; next }
        /^```$/ { if (inside && index(text, words) && text ~ /^patches:/) { printf "%s", text; exit } inside = 0 }
        inside { text = text $0 "\n" }' docs/kubernetes.md
}

is_rendered () {
    deploy/k8s/render "$place/installations/everything" | cmp - "$place/everything.yaml"
}

for key in host registry version database-secret tls-secret apps-secret keys-secret bus-secrets; do
    check "production without $key is refused" without_key "$key"
done
check "a gateway without gateway is refused" without_key gateway gateway
check "a gateway without edge-ca is refused" without_key edge-ca gateway
check "an ingress without trusted-proxies is refused" without_key trusted-proxies ingress
check "production without site.yaml is refused" without_site
check "production whose site.yaml is not there is refused" without_site_file
check "a gateway without gateway-listener is refused" without_key gateway-listener gateway
check "monitoring without namespace is refused" without_key namespace monitoring
check "the example as it is, is refused" refuses 'site.yaml still says chat.example.com' deploy/k8s/render deploy/k8s/example
check "the demonstration is refused" refuses 'demo mode' deploy/k8s/render deploy/k8s/overlays/demo
check "demo mode is refused" with_variable edge EDGE_DEMO_MODE on 'demo mode'
check "PRODUCTION=off is refused" with_variable notifier PRODUCTION off 'notifier is not for production'
check "a plain bus is refused" with_variable postoffice BUS_PLAINTEXT on 'the bus would be plain'
check "a bus without keys is refused" with_variable edge BUS_KEYS '' 'edge has no keys of the bus'
check "a database in the manifest is refused" with_variable postoffice POSTGRES_URL postgres://x 'in the manifest'
check "an edge without TLS is refused" without_volume edge tls 'edge has no TLS' /run/secrets/tls
check "an edge that is not told its certificate is refused" with_variable edge EDGE_TLS_CERTIFICATE '' 'edge has no TLS'
check "a service without apps is refused" without_volume notifier apps 'notifier has no apps file' /run/apps
check "a service without its key is refused" without_volume notifier bus-own 'no keys of the bus' /run/bus/own_secret
check "a postoffice without a database is refused" without_volume postoffice database 'no database' /run/database
check "a Secret without a name is refused" patched notifier 'volume apps has no name' \
    <<<'spec: {template: {spec: {volumes: [{name: apps, secret: {secretName: ""}}]}}}'
check "a Secret with a name that none can have is refused" patched notifier 'volume apps is My_Apps, which is no name' \
    <<<'spec: {template: {spec: {volumes: [{name: apps, secret: {secretName: My_Apps}}]}}}'
check "images of no registry are refused" with_value registry stentor 'names no registry'
check "the newest image, whichever it is, is refused" with_value version latest 'has no version'
check "a rendered Secret is refused" with_rendered_secret
check "production without a service is refused" without_service
while read -r key value words; do
    check "$key: $value is refused" with_value "$key" "$value" "$words"
done <<'VALUES'
host "" host is empty
apps-secret "" apps-secret is empty
host https://chat.example.net host is https://chat.example.net, which is no name
host chat.example.net:8443 host is chat.example.net:8443, which is no name
host Chat.example.net which is no name of a host
registry registry.example.net/stentor/ registry is registry.example.net/stentor/
registry https://registry.example.net/stentor registry is https
version 0.2 version is no text
version "a/b" no tag
bus-secrets "" bus-secrets is empty
bus-secrets My_Keys bus-secrets is My_Keys
tls-secret My_Secret tls-secret is My_Secret, which is no name
gateway "" gateway is empty
gateway-listener "" gateway-listener is empty
edge-ca a_b edge-ca is a_b
prometheus "" prometheus is empty
prometheus prometheus:9090 prometheus is prometheus:9090, which is no address
trusted-proxies banana "banana" is no network
trusted-proxies 10.0.0.0/33 is no network
trusted-proxies 10.244.1.0/16 has more bits than /16
trusted-proxies 0.0.0.0/0 is everybody
namespace staging puts the edges into stentor
VALUES
check "a key of site.yaml that nothing takes is refused" with_value host 'chat.example.net\n  hots: x' 'has hots, which nothing takes'
while read -r service name value words; do
    check "$service with $name is refused" with_variable "$service" "$name" "$value" "$words"
done <<'VARIABLES'
edge EDGE_DEMO_MOD on edge has no setting EDGE_DEMO_MOD
edge POSTGRES_URL_FILE /run/x edge has no setting POSTGRES_URL_FILE
notifier ALERT_KEY_FILE /run/x notifier has no setting ALERT_KEY_FILE
edge ALERT_KEY 0123456789abcdef0123456789abcdef ALERT_KEY, a secret, in the manifest
edge BOT_ANSWER_KEY 0123456789abcdef0123456789abcdef BOT_ANSWER_KEY, a secret, in the manifest
postoffice BUS_HASH_KEY x BUS_HASH_KEY, a secret, in the manifest
stentor-connector BOT_KEY x BOT_KEY, a secret, in the manifest
notifier OUT_PROXY http://me:word@proxy:3128 OUT_PROXY, a secret, in the manifest
stentor-connector BOT_URL https://me:word@bot.example.net/ has a password in the manifest, in BOT_URL
edge OPERATIONS_ADDRESS 127.0.0.1 edge listens where nobody can ask: OPERATIONS_ADDRESS
notifier OPERATIONS_PORT 9001 notifier listens where nobody asks: OPERATIONS_PORT
edge EDGE_PORT 9000 edge listens where nobody asks: EDGE_PORT
edge EDGE_ADDRESS 127.0.0.1 edge listens where nobody can ask: EDGE_ADDRESS
edge EDGE_TRUSTED_PROXIES banana EDGE_TRUSTED_PROXIES: "banana" is no network
postoffice POSTOFFICE_BUS_ADDRESS tcp://127.0.0.1:7001 postoffice listens where nobody can ask
postoffice POSTOFFICE_BUS_ADDRESS tcp://0.0.0.0:7002 postoffice listens where nobody asks
VARIABLES
check "settings of which nothing is seen are refused" patched edge 'takes settings from elsewhere' \
    <<<'spec: {template: {spec: {containers: [{name: edge, envFrom: [{configMapRef: {name: more}}]}]}}}'
check "a first container of no registry is refused" patched edge 'names no registry' \
    <<<'spec: {template: {spec: {initContainers: [{name: first, image: busybox}]}}}'
check "what may be set is rendered, and nothing said" is_allowed
check "two ways in are refused" with_components 'load-balancer gateway' 'there are two ways in'
check "that there is no way in is said" strange 'there is no way in' monitoring
check "KEDA beside replicas is refused" with_replicas
check "a certificate of two owners is refused, and docs/kubernetes.md has a way out" certificate_is_of
check "that nobody tells the operator the password is said" strange 'nothing here makes stentor-postgres-owner' \
    'load-balancer external-secrets cloudnative-pg'
check "a database whose tag moves on is refused" with_thing load-balancer 'whose tag moves on by itself' <<'CLUSTER'
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: mine}
spec: {instances: 1, imageName: "ghcr.io/cloudnative-pg/postgresql:15"}
CLUSTER
check "a directory that is not there is refused" refuses 'there is no directory nosuch' deploy/k8s/render nosuch
check "a directory without a kustomization is refused" refuses 'has no kustomization.yaml' deploy/k8s/render docs
check "an option that there is not is refused" refuses 'usage: ' deploy/k8s/render --produktion
check "what lacks nothing is rendered as kubectl does it" is_rendered

# ------------------------------------------------------------------------------------------------
#  Secrets.

secrets=$place/secrets

certificate () {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$secrets/tls.key" \
        -out "$secrets/tls.crt" -subj /CN=chat.example.net -addext subjectAltName=DNS:chat.example.net "$@" 2>/dev/null
}

#  certificate_of FROM TO FILE — for that key, valid from then to then. OpenSSL 3.0 can say both times
#  only as an authority with its files.
certificate_of () {
    local authority=$place/authority
    rm -rf "$authority" && mkdir "$authority" && touch "$authority/index.txt"
    printf '[a]\nnew_certs_dir=%s\ndatabase=%s/index.txt\nrand_serial=yes\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n' \
        "$authority" "$authority" >"$authority/settings"
    openssl req -new -key "$secrets/tls.key" -subj /CN=chat.example.net -out "$authority/request" &&
        openssl ca -batch -notext -selfsign -config "$authority/settings" -name a -keyfile "$secrets/tls.key" \
            -in "$authority/request" -startdate "$1" -enddate "$2" -out "$3" 2>/dev/null
}

#  What an operator has made for production.
prepare () {
    rm -rf "$secrets"
    deploy/make-secrets "$secrets" >/dev/null
    sed -i 's/"demo"/"shop"/' "$secrets/apps/apps.json"
    printf 'postgres://stentor:x@db.example.net/stentor?sslmode=verify-full&sslrootcert=/run/database/ca.crt' \
        >"$secrets/postgres_url"
    certificate -days 30
    cp "$secrets/tls.crt" "$secrets/postgres_ca.crt"
}

make_them () {
    deploy/k8s/secrets --production --host chat.example.net "$@" "$secrets" stentor
}

#  All that production mounts is made: every Secret, and every file that a setting names.
all_are_made () {
    make_them >"$place/secrets.yaml" && make_them | cmp - "$place/secrets.yaml" &&
        python "$here/secrets_made.py" "$place/secrets.yaml" "$place/load-balancer.yaml" &&
        make_them --cloudnative-pg >"$place/secrets-operated.yaml" &&
        python "$here/secrets_made.py" "$place/secrets-operated.yaml" "$place/cloudnative-pg.yaml"
}

refuses_secrets () {
    refuses "$1" make_them
}

prepare
check "all that production mounts is made, twice the same" all_are_made
check "the programs start with that, and refuse what production must not have" \
    python "$here/starts.py" "$bin" "$place/secrets.yaml" "$place/load-balancer.yaml" "$place/roots"
printf 'postgres://stentor:x@db.example.net/stentor?sslmode=require' >"$secrets/postgres_url"
check "a database without verify-full is refused" refuses_secrets 'sslmode=verify-full'
prepare
rm "$secrets/postgres_ca.crt"
check "a database without its CA is refused" refuses_secrets 'postgres_ca.crt is not there'
prepare
cp deploy/apps.json "$secrets/apps/apps.json"
check "the demonstration's apps are refused" refuses_secrets 'still that of the demonstration'
rm "$secrets/apps/apps.json"
check "no apps are refused" refuses_secrets 'apps.json is not there'
prepare
certificate_of 20200101000000Z 20200102000000Z "$secrets/tls.crt"
check "an expired certificate is refused" refuses_secrets 'has expired'
prepare
openssl genpkey -algorithm ed25519 -out "$secrets/tls.key"
check "a key of another certificate is refused" refuses_secrets 'is not the key of'
prepare
check "a certificate of another host is refused" refuses 'is not a certificate of other.example.net' \
    deploy/k8s/secrets --production --host other.example.net "$secrets" stentor
rm -r "$secrets/bus"
check "secrets without the keys of the bus are refused" refuses_secrets 'make-secrets'

#  Beside --production: all of them, or none.
made_alone () {
    deploy/k8s/secrets "$secrets" stentor
}

#  The documented pipe: what is not printed cannot be applied.
nothing_for () {
    refuses "$1" made_alone && refuses "$1" make_them
}

for file in bus/edge/own_secret bus/notifier/own_secret bus/postoffice/nodes bus/edge/postoffices alert_key \
    postgres_password apps; do
    prepare
    rm -r "${secrets:?}/$file"
    check "without $file nothing is made" nothing_for "$file is not there"
done
prepare
rm "$secrets"/bus/postoffice/nodes/*
check "without a key in a list nothing is made" nothing_for 'bus/postoffice/nodes has no files'
prepare
touch "$secrets/apps/b c.key"
check "with a name that no Secret can have nothing is made" nothing_for 'b c.key cannot stand in a Secret'
prepare
rm "$secrets/tls.key"
check "with half a certificate nothing is made" nothing_for 'only one of tls.crt and tls.key'
prepare
echo junk >"$secrets/tls.crt"
check "with what kubectl does not take nothing is made" refuses 'stentor-edge-tls cannot be made' made_alone
prepare
certificate_of 20800101000000Z 20810101000000Z "$secrets/tls.crt"
check "a certificate that is not valid yet is refused" refuses_secrets 'is not valid yet'
prepare
certificate_of 20200101000000Z 20200102000000Z "$secrets/postgres_ca.crt"
check "an expired CA of the database is refused" refuses_secrets 'postgres_ca.crt has expired'
cat "$secrets/tls.crt" >>"$secrets/postgres_ca.crt"
check "an expired CA beside the new one is not" make_them
printf -- '-----BEGIN CERTIFICATE-----\njunk\n-----END CERTIFICATE-----\n' >>"$secrets/postgres_ca.crt"
check "junk beside a CA of the database is refused" refuses_secrets 'something that is no certificate'
echo junk >"$secrets/postgres_ca.crt"
check "a CA of the database that is none is refused" refuses_secrets 'postgres_ca.crt is no certificate'
prepare
cp "$secrets/bus/notifier/own_secret" "$secrets/bus/edge/own_secret"
check "a worker's key as the edge's is refused" refuses_secrets 'the key of edge has the role edge'
prepare
cp "$secrets/bus/notifier/own_secret" "$secrets/bus/genesys-connector/own_secret"
check "one key for two services is refused" refuses_secrets 'is the key of notifier, too'
prepare
mv "$secrets/bus/postoffice/nodes/edge" "$secrets/bus/postoffice/nodes/.edge"
check "an edge that is not listed is refused" refuses_secrets 'nodes has no key of edge'
prepare
rm "$secrets/bus/edge/postoffices/first" && cp "$secrets/bus/postoffice/nodes/edge" "$secrets/bus/edge/postoffices/first"
check "a postoffice that is not listed is refused" refuses_secrets 'postoffices has no key of postoffice'
prepare
echo junk >"$secrets/bus/edge/own_secret"
check "a key of the bus that is none is refused" refuses_secrets 'is no key of the bus'
for key in alert_key bot_answer_key; do
    prepare
    printf '0123456789abcdef\n' >"$secrets/$key"
    check "a short $key is refused" refuses_secrets "$key has 16 bytes"
    : >"$secrets/$key"
    check "an empty $key is refused" refuses_secrets "$key has 0 bytes"
done

#  What is no mistake, but nobody has looked at.
says_without_host () {
    deploy/k8s/secrets --production "$secrets" stentor 2>"$place/said" | cmp - "$place/secrets.yaml" &&
        grep -q 'no --host is given' "$place/said"
}

prepare
make_them >"$place/secrets.yaml"
check "that no --host is given is said" says_without_host
check "an option that there is not is refused" refuses 'usage: ' deploy/k8s/secrets --produktion "$secrets" stentor

#  What helps says its form, and does nothing.
helps () {
    "$@" >"$place/written" 2>"$place/said" && grep -q 'DIRECTORY' "$place/written" && [ ! -s "$place/said" ]
}

makes_nothing () {
    refuses 'usage: ' deploy/make-secrets --halp && [ ! -e --halp ] && [ ! -e --help ]
}

for program in render secrets make-secrets; do
    [ -e "deploy/$program" ] || program=k8s/$program
    check "$program --help helps" helps "deploy/$program" --help
done
check "make-secrets takes no option for a directory" makes_nothing
