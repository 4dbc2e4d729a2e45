#!/usr/bin/env bash
# Three hospitals and a coordinator as four programs on this machine, over TLS on loopback:
# keys, certificates, a signed manifest, an approval at each hospital, and the job.
#   pip install 'cauce[federated]'
#   bash scripts/hospitals_on_loopback.sh
set -euo pipefail
recipe=recipes/hospitals.yaml
work=runs/loopback
sites="norte sur isla"
address=127.0.0.1:8443

python scripts/three_hospitals.py --out runs/three-hospitals
rm -rf "$work"
mkdir -p "$work/public"
cauce federated keys new coordinator --coordinator --out "$work/coordinator"
for site in $sites; do
    cauce federated keys new "$site" --out "$work/$site"
    cauce federated keys certify "$work/$site/$site.tls.csr" --ca "$work/coordinator" --out "$work/$site"
    cp "$work/coordinator/ca.crt" "$work/$site/"
    cp "$work/$site"/*.pub "$work/public/"
done
cp "$work/coordinator"/*.pub "$work/public/"

cauce federated manifest "$recipe" --participants "$work/public" \
    --key "$work/coordinator/coordinator.signing.pem" --out "$work/manifest.json" \
    --purpose "Trying a job on one machine" --source files --language es
for site in $sites; do
    cauce federated approve "$work/manifest.json" --recipe "$recipe" --yes \
        --key "$work/$site/$site.signing.pem" --person "whoever runs this script" \
        --coordinator "$work/public/coordinator.signing.pub" --folder "$work/$site/decisions"
done

programs=()
trap 'kill "${programs[@]}" 2>/dev/null || true' EXIT
for site in $sites; do
    cauce federated site "$recipe" --manifest "$work/manifest.json" \
        --data "runs/three-hospitals/$site.jsonl" --key "$work/$site/$site.node" \
        --certificates "$work/$site" --folder "$work/$site/decisions" --address "$address" \
        --coordinator-key "$work/public/coordinator.signing.pub" 2> "$work/$site/site.log" &
    programs+=($!)
done
cauce federated coordinator "$recipe" --manifest "$work/manifest.json" \
    --certificates "$work/coordinator" --address "$address"
wait "${programs[@]}"
for site in $sites; do
    cauce federated audit verify "$work/$site/decisions/audit.jsonl"
done
