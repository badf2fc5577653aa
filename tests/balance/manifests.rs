//! What we ship and cannot run here: manifests and units are read, every field is known, and what they say fits
//! together and fits the shop.

use crate::{
    proxies::{read, shipped},
    yaml::documents,
};
use serde_json::Value;
use std::{collections::BTreeSet, process::Stdio};
use testkit::{run, run_with};

/// Every field that our manifests use, as the API of Kubernetes 1.30 has it; `[]` is any item of a list, `*` any
/// name. A name that is written wrongly is none of these.
const FIELDS: &[&str] = &[
    "apiVersion",
    "kind",
    "metadata.name",
    "metadata.labels.*",
    "data.*",
    "spec.selector.*",
    "spec.selector.matchLabels.*",
    "spec.clusterIP",
    "spec.ports[].name",
    "spec.ports[].port",
    "spec.ports[].targetPort",
    "spec.maxUnavailable",
    "spec.replicas",
    "spec.revisionHistoryLimit",
    "spec.strategy.type",
    "spec.strategy.rollingUpdate.maxUnavailable",
    "spec.strategy.rollingUpdate.maxSurge",
    "spec.template.metadata.labels.*",
    "spec.template.spec.terminationGracePeriodSeconds",
    "spec.template.spec.automountServiceAccountToken",
    "spec.template.spec.securityContext.runAsNonRoot",
    "spec.template.spec.securityContext.runAsUser",
    "spec.template.spec.securityContext.runAsGroup",
    "spec.template.spec.securityContext.fsGroup",
    "spec.template.spec.securityContext.seccompProfile.type",
    "spec.template.spec.topologySpreadConstraints[].maxSkew",
    "spec.template.spec.topologySpreadConstraints[].topologyKey",
    "spec.template.spec.topologySpreadConstraints[].whenUnsatisfiable",
    "spec.template.spec.topologySpreadConstraints[].labelSelector.matchLabels.*",
    "spec.template.spec.initContainers[].name",
    "spec.template.spec.initContainers[].image",
    "spec.template.spec.initContainers[].args[]",
    "spec.template.spec.initContainers[].envFrom[].configMapRef.name",
    "spec.template.spec.initContainers[].envFrom[].secretRef.name",
    "spec.template.spec.initContainers[].resources.requests.*",
    "spec.template.spec.initContainers[].resources.limits.*",
    "spec.template.spec.initContainers[].securityContext.allowPrivilegeEscalation",
    "spec.template.spec.initContainers[].securityContext.readOnlyRootFilesystem",
    "spec.template.spec.initContainers[].securityContext.capabilities.drop[]",
    "spec.template.spec.containers[].name",
    "spec.template.spec.containers[].image",
    "spec.template.spec.containers[].args[]",
    "spec.template.spec.containers[].envFrom[].configMapRef.name",
    "spec.template.spec.containers[].envFrom[].secretRef.name",
    "spec.template.spec.containers[].ports[].name",
    "spec.template.spec.containers[].ports[].containerPort",
    "spec.template.spec.containers[].startupProbe.httpGet.path",
    "spec.template.spec.containers[].startupProbe.httpGet.port",
    "spec.template.spec.containers[].startupProbe.periodSeconds",
    "spec.template.spec.containers[].startupProbe.failureThreshold",
    "spec.template.spec.containers[].livenessProbe.httpGet.path",
    "spec.template.spec.containers[].livenessProbe.httpGet.port",
    "spec.template.spec.containers[].livenessProbe.periodSeconds",
    "spec.template.spec.containers[].livenessProbe.timeoutSeconds",
    "spec.template.spec.containers[].livenessProbe.failureThreshold",
    "spec.template.spec.containers[].readinessProbe.httpGet.path",
    "spec.template.spec.containers[].readinessProbe.httpGet.port",
    "spec.template.spec.containers[].readinessProbe.periodSeconds",
    "spec.template.spec.containers[].readinessProbe.timeoutSeconds",
    "spec.template.spec.containers[].readinessProbe.failureThreshold",
    "spec.template.spec.containers[].readinessProbe.successThreshold",
    "spec.template.spec.containers[].resources.requests.*",
    "spec.template.spec.containers[].resources.limits.*",
    "spec.template.spec.containers[].securityContext.allowPrivilegeEscalation",
    "spec.template.spec.containers[].securityContext.readOnlyRootFilesystem",
    "spec.template.spec.containers[].securityContext.capabilities.drop[]",
    "spec.template.spec.containers[].volumeMounts[].name",
    "spec.template.spec.containers[].volumeMounts[].mountPath",
    "spec.template.spec.volumes[].name",
    "spec.template.spec.volumes[].emptyDir.medium",
    "spec.template.spec.volumes[].emptyDir.sizeLimit",
];

fn manifests() -> Vec<Value> {
    documents(&read("kubernetes/souk.yaml"))
}

fn of_kind(kind: &str) -> Value {
    let found = manifests().into_iter().find(|one| one["kind"] == kind);
    found.unwrap_or_else(|| panic!("no {kind}"))
}

/// The paths of all values in a document.
fn paths(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let dot = if path.is_empty() { "" } else { "." };
                paths(value, &format!("{path}{dot}{name}"), found);
            }
        }
        Value::Array(items) => {
            for item in items {
                paths(item, &format!("{path}[]"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            found.insert(path.to_owned());
        }
    }
}

#[test]
fn every_field_of_the_manifests_is_one_of_kubernetes() {
    let kinds = manifests();
    let kinds: Vec<String> = kinds
        .iter()
        .map(|one| {
            format!(
                "{} {}",
                one["apiVersion"].as_str().unwrap(),
                one["kind"].as_str().unwrap()
            )
        })
        .collect();
    let expected = [
        "v1 ConfigMap",
        "v1 Service",
        "v1 Service",
        "apps/v1 Deployment",
        "policy/v1 PodDisruptionBudget",
    ];
    assert_eq!(kinds, expected);
    for manifest in manifests() {
        let mut found = BTreeSet::new();
        paths(&manifest, "", &mut found);
        let is_known = |path: &String| {
            FIELDS.iter().any(|field| match field.strip_suffix('*') {
                Some(start) => path.starts_with(start) && path.len() > start.len(),
                None => path == field,
            })
        };
        let unknown: Vec<&String> = found.iter().filter(|path| !is_known(path)).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }
}

#[test]
fn what_the_manifests_say_fits_together() {
    let deployment = of_kind("Deployment");
    let spec = &deployment["spec"];
    let labels = &spec["template"]["metadata"]["labels"];
    assert_eq!(&spec["selector"]["matchLabels"], labels);
    assert_eq!(
        &of_kind("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        labels
    );
    for service in manifests().iter().filter(|one| one["kind"] == "Service") {
        assert_eq!(&service["spec"]["selector"], labels);
        assert_eq!(service["spec"]["ports"][0]["targetPort"], "http");
    }
    assert!(spec["replicas"].as_i64() >= Some(2));
    assert_eq!(spec["strategy"]["rollingUpdate"]["maxUnavailable"], 0);
    let pod = &spec["template"]["spec"];
    for constraint in pod["topologySpreadConstraints"].as_array().unwrap() {
        assert_eq!(&constraint["labelSelector"]["matchLabels"], labels);
    }
    let container = &pod["containers"][0];
    let migrating = &pod["initContainers"][0];
    assert_eq!(migrating["args"], serde_json::json!(["migrate", "up"]));
    for same in ["image", "envFrom", "securityContext"] {
        assert_eq!(migrating[same], container[same], "{same}");
    }
    assert_eq!(container["readinessProbe"]["httpGet"]["path"], "/readyz");
    for probe in ["livenessProbe", "startupProbe"] {
        assert_eq!(container[probe]["httpGet"]["path"], "/livez", "{probe}");
    }
    assert_eq!(
        container["volumeMounts"][0]["name"],
        pod["volumes"][0]["name"]
    );
    let data = &of_kind("ConfigMap")["data"];
    let ms = |name: &str| {
        data[name]
            .as_str()
            .and_then(|text| text.parse::<i64>().ok())
            .unwrap()
    };
    let (delay_ms, wait_ms) = (
        ms("SOUK_HTTP__SHUTDOWN_DELAY_MS"),
        ms("SOUK_HTTP__STOP_WAIT_MS"),
    );
    let grace = pod["terminationGracePeriodSeconds"].as_i64().unwrap();
    assert!(
        grace * 1_000 > delay_ms + wait_ms,
        "killed before it has ended"
    );
    let probe = &container["readinessProbe"];
    let seen_after =
        probe["periodSeconds"].as_i64().unwrap() * probe["failureThreshold"].as_i64().unwrap();
    assert!(
        delay_ms > seen_after * 1_000,
        "it closes before anybody knows"
    );
}

#[tokio::test]
async fn the_settings_that_we_ship_are_settings_of_the_shop() {
    let data = of_kind("ConfigMap")["data"].clone();
    let settings: Vec<(&str, &str)> = data
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
        .collect();
    let said = run_with(&["config", "check"], &settings, "").await;
    assert_eq!(said.code, 0, "{said:?}");
    let file = shipped("gateway/souk.toml");
    let said = run(&["config", "print", "--config", file.to_str().unwrap()], "").await;
    assert!(said.out.contains("10.0.0.1:8080"), "{said:?}");
}

#[test]
fn envoy_sends_twice_only_what_reads_or_has_a_key() {
    let envoy = &documents(&read("envoy/envoy.yaml"))[0]["static_resources"];
    let door = &envoy["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"];
    let routes = door["route_config"]["virtual_hosts"][0]["routes"]
        .as_array()
        .unwrap();
    let on = |route: &Value| {
        route["route"]["retry_policy"]["retry_on"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let kinds: Vec<(Value, String)> = routes
        .iter()
        .map(|one| (one["match"]["headers"][0]["name"].clone(), on(one)))
        .collect();
    let again = "connect-failure,refused-stream,reset,gateway-error".to_owned();
    let expected = [
        (Value::from("idempotency-key"), again.clone()),
        (Value::from(":method"), again),
        (Value::Null, "connect-failure,refused-stream".to_owned()),
    ];
    assert_eq!(kinds, expected);
    assert_eq!(
        routes[1]["match"]["headers"][0]["string_match"]["safe_regex"]["regex"],
        "GET|HEAD|OPTIONS"
    );
    let nodes = &envoy["clusters"][0];
    assert_eq!(
        nodes["health_checks"][0]["http_health_check"]["path"],
        "/readyz"
    );
    assert_eq!(nodes["outlier_detection"]["max_ejection_percent"], 50);
}

#[test]
fn the_units_are_ones_that_systemd_can_read() {
    let unit = read("systemd/souk.service");
    let value = |name: &str| {
        let line = unit
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name}=")));
        line.unwrap_or_else(|| panic!("no {name}")).to_owned()
    };
    assert!(
        value("TimeoutStopSec").parse::<u32>().unwrap() > 22,
        "delay and wait together"
    );
    assert_eq!(value("KillSignal"), "SIGTERM");
    let mut verify = std::process::Command::new("systemd-analyze");
    verify
        .arg("verify")
        .arg(shipped("systemd/souk.service"))
        .arg(shipped("systemd/souk-backup.service"))
        .arg(shipped("systemd/souk-backup.timer"))
        .stdin(Stdio::null());
    let Ok(output) = verify.output() else {
        crate::note(
            "SKIPPED: the unit was read by us only: there is no systemd-analyze (apt-get install systemd)",
        );
        return;
    };
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    // The binary is not installed here; nothing else may be wrong.
    let wrong: Vec<&str> = told
        .lines()
        .filter(|line| line.contains("souk") && !line.contains("is not executable"))
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}
