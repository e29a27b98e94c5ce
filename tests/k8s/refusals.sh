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
check "a Secret without a name is refused" with_value apps-secret '""' 'has no name'
check "images of no registry are refused" with_value registry stentor 'names no registry'
check "the newest image, whichever it is, is refused" with_value version latest 'has no version'
check "a rendered Secret is refused" with_rendered_secret
check "production without a service is refused" without_service
check "what lacks nothing is rendered as kubectl does it" is_rendered

# ------------------------------------------------------------------------------------------------
#  Secrets.

secrets=$place/secrets

certificate () {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$secrets/tls.key" \
        -out "$secrets/tls.crt" -subj /CN=chat.example.net -addext subjectAltName=DNS:chat.example.net "$@" 2>/dev/null
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
#  OpenSSL 3.0 makes no certificate of the past, but signs one again for minus a day.
certificate -not_before 20200101000000Z -not_after 20200102000000Z ||
    openssl x509 -in "$secrets/tls.crt" -signkey "$secrets/tls.key" -days -1 -out "$secrets/tls.crt" 2>/dev/null
check "an expired certificate is refused" refuses_secrets 'has expired'
prepare
openssl genpkey -algorithm ed25519 -out "$secrets/tls.key"
check "a key of another certificate is refused" refuses_secrets 'is not the key of'
prepare
check "a certificate of another host is refused" refuses 'is not a certificate of other.example.net' \
    deploy/k8s/secrets --production --host other.example.net "$secrets" stentor
rm -r "$secrets/bus"
check "secrets without the keys of the bus are refused" refuses_secrets 'make-secrets'
