import type { z } from "zod";
import { plainDescription, settingMetaOf } from "#shared/config/setting-meta.ts";
import { defaultOf } from "./describe-settings.ts";
import { SCHEMAS, type SettingsOwner } from "./services.ts";

const HEAD = `# Settings of this clone, for npm start, npx sluice and docker compose. Copy it to .env, and take away the # of what you set.
# What the environment sets wins. Every setting: docs/reference/settings.md. Written by npm run gen.
`;

/** What people set most. */
const PARTS: readonly (readonly [title: string, owner: SettingsOwner, names: readonly string[]])[] = [
  ["Ports", "tools", ["SLUICE_PORT_OFFSET", "SLUICE_DATA_DIR"]],
  ["Ports of services", "stream", ["STREAM_HTTP_PORT", "AUTH_HTTP_PORT", "POLICY_HTTP_PORT"]],
  [
    "The edge",
    "stream",
    ["STREAM_WORKERS", "STREAM_MAX_CONNECTIONS", "STREAM_ALLOWED_ORIGINS", "STREAM_TRUSTED_PROXIES"],
  ],
  [
    "Logins",
    "auth",
    [
      "AUTH_ISSUER",
      "AUTH_USERS_FILE",
      "AUTH_CLIENTS_FILE",
      "AUTH_ALLOWED_ORIGINS",
      "AUTH_ACCESS_TOKEN_SECONDS",
      "AUTH_SESSION_SECONDS",
    ],
  ],
  ["Other login providers", "stream", ["AUTH_ISSUERS_FILE"]],
  [
    "Policies",
    "policy",
    [
      "POLICY_DOCUMENTS_DIR",
      "POLICY_OPERATOR_TOKEN_FILE",
      "POLICY_HISTORY_MAX_BYTES",
      "POLICY_HISTORY_MAX_AGE_SECONDS",
    ],
  ],
  ["Publishing", "publish", ["PUBLISH_SCHEMAS_DIR", "PUBLISH_EVENT_MAX_BYTES"]],
  ["Lines and traces", "stream", ["LOG_LEVEL", "LOG_FORMAT", "OTEL_EXPORTER_OTLP_ENDPOINT"]],
  ["As whom commands ask", "tools", ["SLUICE_TENANT", "SLUICE_USER", "SLUICE_PASSWORD_FILE", "POLICY_TOKEN_FILE"]],
];

/** The file `.env.example`: each setting behind a `#`, with what it means. */
export function envExample(): string {
  const parts = PARTS.map(([title, owner, names]) => {
    const lines = names.map((name) => exampleOf(name, SCHEMAS[owner].shape[name] as z.ZodType));
    return `\n# --- ${title} ---\n\n${lines.join("\n")}`;
  });
  return HEAD + parts.join("");
}

function exampleOf(name: string, schema: z.ZodType): string {
  const meta = settingMetaOf(schema);
  return `# ${plainDescription(meta)}\n# ${name}=${defaultOf(schema, meta) ?? meta.example ?? ""}\n`;
}
