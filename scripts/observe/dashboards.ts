import { type Dashboard, EDGE, gauge, panel, quantiles, rate } from "./panels.ts";

const streams: Dashboard = {
  uid: "sluice-streams",
  title: "Sluice: streams",
  panels: [
    panel(
      "Open streams",
      "By worker: the kernel deals them out evenly.",
      "short",
      gauge("sluice_stream_connections", "instance, worker", "{{instance}} {{worker}}"),
    ),
    panel(
      "Streams asked for",
      "By outcome: accepted, or the code of the refusal.",
      "ops",
      rate("sluice_stream_handshakes_total", "outcome", "{{outcome}}"),
    ),
    panel("Accepted", "The share of streams asked for that began.", "percentunit", {
      expr: `sum(rate(sluice_stream_handshakes_total{outcome="accepted",${EDGE}}[$__rate_interval])) / sum(rate(sluice_stream_handshakes_total{${EDGE}}[$__rate_interval]))`,
      legend: "accepted",
    }),
    panel("Time to ready", "From the request to `ready`.", "s", ...quantiles("sluice_stream_ready_seconds")),
    panel(
      "Time to the first event",
      "Of streams that got one.",
      "s",
      ...quantiles("sluice_stream_first_event_seconds"),
    ),
    panel(
      "Resumes",
      "Where clients went on that came back.",
      "ops",
      rate("sluice_stream_resumes_total", "kind", "{{kind}}"),
    ),
    panel(
      "Ends",
      "By the reason that clients were told.",
      "ops",
      rate("sluice_stream_ended_total", "reason", "{{reason}}"),
    ),
    panel("Life", "How long streams lived that ended.", "s", ...quantiles("sluice_stream_life_seconds")),
    panel(
      "Streams that are behind",
      "By what they wait for. `socket`: slow clients; `log`: JetStream; `authorization`: auth or policy.",
      "short",
      {
        expr: `sum by (waits_for) (sluice_stream_readers{state="behind",${EDGE}})`,
        legend: "{{waits_for}}",
      },
    ),
    panel(
      "Farthest behind",
      "Of all streams.",
      "short",
      gauge("sluice_stream_lag_entries", "instance", "{{instance}}", "max"),
    ),
    panel(
      "Longest behind",
      "Of all streams.",
      "s",
      gauge("sluice_stream_lag_seconds", "instance", "{{instance}}", "max"),
    ),
    panel(
      "Waiting for history",
      "Readers in the queue for JetStream.",
      "short",
      gauge("sluice_stream_history_waiting", "instance", "{{instance}}"),
    ),
    panel(
      "First event, as clients saw it",
      "Of clients that report.",
      "s",
      ...quantiles("sluice_stream_client_first_event_seconds"),
    ),
    panel(
      "Reconnects that clients report",
      "By their network.",
      "ops",
      rate("sluice_stream_client_reconnects_total", "network", "{{network}}"),
    ),
    panel(
      "The largest tenants",
      "Open streams, by worker the 20 tenants with the most.",
      "short",
      gauge("sluice_stream_tenant_connections", "tenant", "{{tenant}}"),
    ),
  ],
};

const delivery: Dashboard = {
  uid: "sluice-delivery",
  title: "Sluice: delivery",
  panels: [
    panel(
      "Events delivered",
      "Once for each socket.",
      "ops",
      rate("sluice_stream_events_delivered_total", "instance, worker", "{{instance}} {{worker}}"),
    ),
    panel(
      "Bytes delivered",
      "As coded.",
      "Bps",
      rate("sluice_stream_event_bytes_total", "instance, worker", "{{instance}} {{worker}}"),
    ),
    panel(
      "From log to socket",
      "By the broker's clock and the edge's.",
      "s",
      ...quantiles("sluice_stream_delivery_seconds"),
    ),
    panel("From log to edge", "The first part of it.", "s", ...quantiles("sluice_stream_feed_lag_seconds")),
    panel(
      "Withheld",
      "Events that reached nobody: no rule names their type, nobody asks for them, or those who do may not see them.",
      "ops",
      rate("sluice_stream_events_withheld_total", "reason", "{{reason}}"),
    ),
    panel(
      "Types without a rule",
      "What the event map does not name.",
      "ops",
      rate("sluice_stream_events_without_rule_total", "type", "{{type}}"),
    ),
    panel("Decisions", "From memory.", "ops", rate("sluice_stream_decisions_total", "outcome", "{{outcome}}")),
    panel(
      "From revoke to last byte",
      "By the broker's clock and the edge's.",
      "s",
      ...quantiles("sluice_stream_revoke_seconds"),
    ),
    panel("Events in a flush", "More than one: a burst.", "short", ...quantiles("sluice_stream_flush_events")),
    panel("Bytes in a flush", "Before they are coded.", "bytes", ...quantiles("sluice_stream_flush_bytes")),
    panel(
      "Unread entries",
      "The most of one log.",
      "short",
      gauge("sluice_stream_feed_unread_entries", "instance", "{{instance}}", "max"),
    ),
    panel(
      "Silent logs",
      "Nothing of theirs is delivered.",
      "short",
      gauge("sluice_stream_feeds_silent", "instance", "{{instance}}"),
    ),
    panel(
      "Disturbances of feeds",
      "A log was inspected before it was read on.",
      "ops",
      rate("sluice_stream_feed_disturbed_total", "instance", "{{instance}}"),
    ),
    panel(
      "Gaps and resets",
      "What clients were told.",
      "ops",
      rate("sluice_stream_notices_total", "event", "{{event}}"),
    ),
    panel(
      "Callbacks",
      "Messages to them, by what became of each.",
      "ops",
      rate("sluice_stream_webhook_posts_total", "outcome", "{{outcome}}"),
    ),
    panel(
      "The largest tenants",
      "Events delivered, by worker the 20 tenants with the most.",
      "ops",
      rate("sluice_stream_tenant_events_delivered_total", "tenant", "{{tenant}}"),
    ),
  ],
};

const services: Dashboard = {
  uid: "sluice-services",
  title: "Sluice: services",
  panels: [
    panel("Up", "1 while it answers.", "short", { expr: 'up{job=~"sluice-.+"}', legend: "{{job}} {{instance}}" }),
    panel(
      "CPU",
      "Of one core.",
      "percentunit",
      rate("process_cpu_seconds_total", "job, worker", "{{job}} {{worker}}", 'job=~"sluice-.+"'),
    ),
    panel("Memory", "Resident.", "bytes", {
      expr: 'process_resident_memory_bytes{job=~"sluice-.+"}',
      legend: "{{job}} {{worker}}",
    }),
    panel("Loop delay", "What one in a hundred steps waits. Node adds its own 10 ms.", "s", {
      expr: 'nodejs_eventloop_lag_p99_seconds{job=~"sluice-.+"}',
      legend: "{{job}} {{worker}}",
    }),
    panel(
      "Overload",
      "Processes of the edge that take a step against it.",
      "short",
      gauge("sluice_stream_overload", "step", "{{step}}"),
    ),
    panel(
      "Peers away",
      "Processes of the edge that get no answer.",
      "short",
      gauge("sluice_stream_peer_away", "peer", "{{peer}}"),
    ),
    panel(
      "Logins",
      "By outcome.",
      "ops",
      rate("sluice_auth_logins_total", "outcome", "{{outcome}}", 'job="sluice-auth"'),
    ),
    panel(
      "Refreshes",
      "By outcome.",
      "ops",
      rate("sluice_auth_refreshes_total", "outcome", "{{outcome}}", 'job="sluice-auth"'),
    ),
    panel("Sessions", "Neither ended nor run out.", "short", {
      expr: "max(sluice_auth_active_sessions)",
      legend: "sessions",
    }),
    panel(
      "Policy's decisions",
      "By who asked, and outcome.",
      "ops",
      rate("sluice_policy_decisions_total", "source, outcome", "{{source}} {{outcome}}", 'job="sluice-policy"'),
    ),
    panel(
      "Changes of policy in force",
      "From their being stored to their being in force at the edge.",
      "s",
      ...quantiles("sluice_stream_policy_propagation_seconds"),
    ),
    panel(
      "Published",
      "Events that were taken.",
      "ops",
      rate("sluice_publish_events_total", "result", "{{result}}", 'job="sluice-publish"'),
    ),
    panel(
      "Refused to publish",
      "By code.",
      "ops",
      rate("sluice_publish_requests_total", "code", "{{code}}", 'job="sluice-publish",code!="none"'),
    ),
    panel(
      "Time to store",
      "The events of one request.",
      "s",
      ...quantiles("sluice_publish_store_seconds", 'job="sluice-publish"'),
    ),
  ],
};

/** The dashboards in `infra/observe/grafana/dashboards`. */
export const DASHBOARDS: readonly Dashboard[] = [streams, delivery, services];
