import { startAcme } from "./rigs/acme.ts";
import { writeFileSync } from "node:fs";
const huge = "100000000";
const acme = await startAcme({
  auth: { AUTH_SESSION_SECONDS: "86400", AUTH_ACCESS_TOKEN_SECONDS: "3600" },
  stream: { STREAM_CALLS_PER_SUBJECT_PER_MINUTE: huge, STREAM_TOPIC_CHANGES_PER_SECOND: huge },
  publish: { PUBLISH_EVENTS_PER_SUBJECT_PER_MINUTE: huge, PUBLISH_EVENTS_PER_TENANT_PER_SECOND: huge },
});
const login = await acme.logIn();
writeFileSync("/tmp/world.json", JSON.stringify({ urls: acme.urls, client: acme.client, token: login.access_token, sid: login.session_id }));
console.log("ready");
process.on("SIGTERM", () => void acme[Symbol.asyncDispose]().then(() => process.exit(0)));
setInterval(() => {}, 1000);
