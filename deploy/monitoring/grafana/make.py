#!/usr/bin/env python3
"""Makes the four dashboards beside this file: python3 make.py. Their JSON is kept, so nobody needs this to use them.

A panel is a title, a unit of Grafana's, and queries with the names of their lines. What is empty in a shop of one node
begins its description with "Empty": the check lets only those answer nothing.
"""

import json
import pathlib
import sys

JOB = 'job="souk",instance=~"$instance"'
HERE = pathlib.Path(__file__).parent


def rate(metric, labels=""):
    return f"rate({metric}{{{JOB}{',' + labels if labels else ''}}}[$__rate_interval])"


def quantile(share, metric, by="", labels=""):
    by = f"{by}, le" if by else "le"
    return f"histogram_quantile({share}, sum by ({by}) ({rate(metric + '_bucket', labels)}))"


def gauge(metric, labels=""):
    return f"{metric}{{{JOB}{',' + labels if labels else ''}}}"


REQUESTS = "souk_http_request_seconds"
OPEN = 'route!="probe"'
FAILED = OPEN + ',status="5xx"'
PLACED = 'result="placed"'
NOT_PLACED = 'result=~"refused|overloaded|failed"'
FROM_MEMORY = 'place=~"joined|memory|redis"'

BOARDS = {
    "requests": ("Souk: requests", "Rate, errors and duration of requests, by route and by node.", [
        ("Requests a second by door", "reqps", "", [(f"sum by (door) ({rate(REQUESTS + '_count', OPEN)})", "{{door}}")]),
        ("Failed requests a second (5xx)", "reqps", "",
         [(f"sum by (instance) ({rate(REQUESTS + '_count', FAILED)}) or 0 * sum by (instance) ({rate(REQUESTS + '_count', OPEN)})",
           "{{instance}}")]),
        ("Share of failed requests, by window", "percentunit", "The objective is 0.1 %.",
         [("souk:availability_errors:ratio_rate5m", "5 m"), ("souk:availability_errors:ratio_rate1h", "1 h")]),
        ("Duration", "s", "", [(quantile(0.5, REQUESTS, labels=OPEN), "p50"), (quantile(0.99, REQUESTS, labels=OPEN), "p99")]),
        ("Requests a second by route", "reqps", "",
         [(f"topk(10, sum by (method, route) ({rate(REQUESTS + '_count', OPEN)}))", "{{method}} {{route}}")]),
        ("p99 by route", "s", "",
         [(f"topk(10, {quantile(0.99, REQUESTS, 'method, route', OPEN)})", "{{method}} {{route}}")]),
        ("Answers by class", "reqps", "", [(f"sum by (status) ({rate(REQUESTS + '_count', OPEN)})", "{{status}}")]),
        ("Requests at work", "short", "", [(gauge("souk_http_requests_in_flight"), "{{instance}} {{door}}")]),
        ("Ready nodes", "short", "", [(f"sum({gauge('souk_ready')})", "ready"), (f"count({gauge('souk_ready')})", "all")]),
        ("Dependencies", "short", "1 is well.", [(f"min by (dependency) ({gauge('souk_dependency_well')})", "{{dependency}}")]),
        ("Refused by limits a second", "reqps", "Empty until somebody is refused.",
         [(f"sum by (policy) ({rate('souk_limit_refusals_total')})", "{{policy}}")]),
        ("Attempts at other nodes a second", "reqps", "Empty where no process asks another.",
         [(f"sum by (role, result) ({rate('souk_upstream_attempts_total')})", "{{role}} {{result}}")]),
    ]),
    "orders": ("Souk: order path", "From a wish to buy to events that were delivered.", [
        ("Orders a second, by how they end", "ops", "",
         [(f"sum by (result) ({rate('souk_orders_placed_total')})", "{{result}}")]),
        ("Share of orders slower than 100 ms", "percentunit", "The objective is 1 %.",
         [("souk:slow_orders:ratio_rate5m", "5 m"), ("souk:slow_orders:ratio_rate1h", "1 h")]),
        ("Duration of POST /api/v1/orders", "s", "",
         [(quantile(q, REQUESTS, labels='method="POST",route="/api/v1/orders",status="2xx"'), f"p{int(q * 100)}")
          for q in (0.5, 0.99)]),
        ("Commit of a batch", "s", "", [(quantile(0.5, "souk_order_commit_seconds"), "p50"),
                                        (quantile(0.99, "souk_order_commit_seconds"), "p99")]),
        ("Orders that share a commit", "short", "",
         [(f"{rate('souk_order_commit_batch_size_sum')} / {rate('souk_order_commit_batch_size_count')}", "{{instance}}")]),
        ("Wishes that wait", "short", "", [(gauge("souk_queue_depth"), "{{instance}} {{queue}}")]),
        ("Refused for lack of stock a second", "ops", "", [(f"sum({rate('souk_stock_conflicts_total')})", "refused")]),
        ("Reservations that expire a second", "ops", "", [(f"sum({rate('souk_reservations_expired_total')})", "expired")]),
        ("Events that wait", "short", "", [(f"max by (outbox) ({gauge('souk_outbox_pending')})", "{{outbox}}")]),
        ("Age of the oldest event that waits", "s", "",
         [(f"max by (outbox) ({gauge('souk_outbox_lag_seconds')})", "{{outbox}}")]),
        ("Unfinished payments and refunds", "short", "",
         [(f"max({gauge('souk_payments_unreconciled')})", "under way")]),
        ("Age of the oldest of them", "s", "",
         [(f"max({gauge('souk_payments_unreconciled_oldest_seconds')})", "oldest")]),
    ]),
    "use": ("Souk: use", "What is used, what is full and what waits: processor, memory, disk, pools, queues.", [
        ("Processors in use", "short", "", [(rate("process_cpu_seconds_total"), "{{instance}}")]),
        ("Memory", "bytes", "", [(gauge("process_resident_memory_bytes"), "{{instance}}")]),
        ("Files and sockets", "percentunit", "",
         [(f"{gauge('process_open_fds')} / {gauge('process_max_fds')}", "{{instance}}")]),
        ("Room on the disk", "percentunit", "Empty on PostgreSQL.",
         [(f"{gauge('souk_disk_free_bytes')} / {gauge('souk_disk_bytes')}", "{{instance}}")]),
        ("Age of the newest backup", "s", "Empty without one in `backups.folder`.",
         [(f"time() - (max by (instance) ({gauge('souk_backup_finished_timestamp_seconds')}) > 0)", "{{instance}}")]),
        ("Tasks that wait for a thread", "short", "", [(gauge("souk_runtime_queue_depth"), "{{instance}}")]),
        ("Tasks alive", "short", "", [(gauge("souk_runtime_tasks"), "{{instance}}")]),
        ("Commit on the disk (SQLite)", "s", "", [(quantile(0.99, "souk_sqlite_commit_seconds", "file"), "p99 {{file}}")]),
        ("Writes that share a commit (SQLite)", "short", "",
         [(f"sum by (file) ({rate('souk_sqlite_group_size_sum')}) / sum by (file) ({rate('souk_sqlite_group_size_count')})",
           "{{file}}")]),
        ("Pages in the write-ahead log", "short", "", [(gauge("souk_sqlite_log_pages"), "{{instance}} {{file}}")]),
        ("Commit on PostgreSQL", "s", "Empty on SQLite.",
         [(quantile(0.99, "souk_postgres_commit_seconds", "schema"), "p99 {{schema}}")]),
        ("Wait for a connection of the pool", "s", "Empty on SQLite.",
         [(quantile(0.99, "souk_postgres_wait_seconds", "schema"), "p99 {{schema}}")]),
        ("Answers from memory", "percentunit", "",
         [(f"sum by (cache) ({rate('souk_cache_reads_total', FROM_MEMORY)})"
           f" / sum by (cache) ({rate('souk_cache_reads_total')})", "{{cache}}")]),
        ("Calls to Redis a second", "ops", "Empty without Redis.",
         [(f"sum by (outcome) ({rate('souk_redis_calls_total')})", "{{outcome}}")]),
        ("Events before a consumer", "short", "Empty without NATS.",
         [(f"max by (consumer) ({gauge('souk_bus_lag_events')})", "{{consumer}}")]),
        ("Certificate lasts", "s", "0 without TLS of its own.",
         [(f"min({gauge('souk_tls_certificate_left_seconds')})", "certificate"),
          (f"min({gauge('souk_internal_tls_certificate_left_seconds')})", "between nodes")]),
        ("Age of the key that signs tokens", "s", "`souk keys rotate` makes another.",
         [(f"max({gauge('souk_signing_key_age_seconds')})", "key")]),
    ]),
    "business": ("Souk: business", "Orders, money, and why something was not sold.", [
        ("Orders today", "short", "", [(f"sum(increase(souk_orders_placed_total{{{JOB},{PLACED}}}[24h]))", "orders")]),
        ("Taken today, in minor units", "short", "",
         [(f"sum by (currency) (increase(souk_payments_captured_minor_total{{{JOB}}}[24h]))", "{{currency}}")]),
        ("Orders a minute", "short", "", [(f"60 * sum({rate('souk_orders_placed_total', PLACED)})", "placed")]),
        ("Money taken a minute, in minor units", "short", "",
         [(f"60 * sum by (currency) ({rate('souk_payments_captured_minor_total')})", "{{currency}}")]),
        ("Money given back a minute, in minor units", "short", "Empty until there is a refund.",
         [(f"60 * sum by (currency) ({rate('souk_payments_refunded_minor_total')})", "{{currency}}")]),
        ("Payments a minute, by where they come to stand", "short", "",
         [(f"60 * sum by (status) ({rate('souk_payments_total')})", "{{status}}")]),
        ("Wishes that became no order a minute", "short", "",
         [(f"60 * sum by (result) ({rate('souk_orders_placed_total', NOT_PLACED)})",
           "{{result}}")]),
        ("Not enough stock a minute", "short", "", [(f"60 * sum({rate('souk_stock_conflicts_total')})", "refused")]),
        ("Units oversold, things that do not balance", "short", "Both must be 0.",
         [(f"max({gauge('souk_oversold_units')})", "oversold"), (f"max({gauge('souk_audit_violations')})", "violations")]),
        ("Since the books were verified", "s", "",
         [(f"time() - max({gauge('souk_audit_finished_timestamp_seconds')} > 0)", "ago")]),
    ]),
}

DATASOURCE = {"type": "prometheus", "uid": "prometheus"}


def panel(number, title, unit, description, queries):
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": title,
        "description": description,
        "datasource": DATASOURCE,
        "gridPos": {"h": 8, "w": 12, "x": 12 * (number % 2), "y": 8 * (number // 2)},
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": [
            {"refId": chr(ord("A") + place), "datasource": DATASOURCE, "expr": expr, "legendFormat": legend}
            for place, (expr, legend) in enumerate(queries)
        ],
    }


def board(name, title, description, panels):
    return {
        "uid": f"souk-{name}",
        "title": title,
        "description": description,
        "tags": ["souk"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "timezone": "browser",
        "time": {"from": "now-1h", "to": "now"},
        "refresh": "15s",
        "templating": {"list": [{
            "name": "instance",
            "label": "Node",
            "type": "query",
            "datasource": DATASOURCE,
            "query": {"query": 'label_values(souk_ready{job="souk"}, instance)', "refId": "instances"},
            "includeAll": True,
            "allValue": ".*",
            "multi": True,
            "refresh": 2,
            "current": {"text": "All", "value": "$__all"},
        }]},
        "panels": [panel(number, *one) for number, one in enumerate(panels)],
    }


def main(only_check):
    """Writes the dashboards, or says which of them is not as it would be written."""
    differ = []
    for name, (title, description, panels) in BOARDS.items():
        text = json.dumps(board(name, title, description, panels), indent=2, ensure_ascii=False) + "\n"
        path = HERE / "dashboards" / f"{name}.json"
        if only_check and path.read_text() != text:
            differ.append(path.name)
        elif not only_check:
            path.write_text(text)
    if differ:
        sys.exit(f"made anew they would differ: {', '.join(differ)}")


if __name__ == "__main__":
    main("--check" in sys.argv)
