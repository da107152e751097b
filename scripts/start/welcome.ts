import { DEFAULT_PORTS, DEMO_PASSWORD, type DemoPorts } from "../demo-settings.ts";

/** What to do now: the pages to open and lines that can be pasted into a shell. */
export function welcome(
  ports: DemoPorts,
  dataFolder: string,
  { portOffset, isCluster }: { readonly portOffset: number; readonly isCluster: boolean },
): string {
  const stream = `http://localhost:${ports.STREAM_HTTP_PORT}`;
  const login = `http://localhost:${ports.AUTH_HTTP_PORT}/v1/auth/login`;
  const credentials = JSON.stringify({ tenant: "demo", username: "alice", password: DEMO_PASSWORD });
  return `
${isCluster ? CLUSTER : "Sluice is running.\n"}
  the demo page        ${stream}/demo      (alice, bob, carol; password ${DEMO_PASSWORD})
  side by side         http://alice.localhost:${ports.STREAM_HTTP_PORT}/demo and the same with bob and carol
  the console          http://localhost:${ports.POLICY_HTTP_PORT}/console   (carol, or the operator)
  the documentation    http://localhost:${ports.POLICY_HTTP_PORT}/docs
  auth, policy         http://localhost:${ports.AUTH_HTTP_PORT}  http://localhost:${ports.POLICY_HTTP_PORT}
  publish over HTTP    http://localhost:${ports.PUBLISH_HTTP_PORT}/v1/events   (carol may)
  producers            nats://demo:${DEMO_PASSWORD}@127.0.0.1:${ports.NATS_PORT}, subjects events.demo.>
  data and logs        ${dataFolder}

See it without a browser, in another terminal:

  curl -s -c alice.cookies -H 'content-type: application/json' -d '${credentials}' ${login}
  curl -N -b alice.cookies '${stream}/v1/stream?topic=issues.>'

and in a third, publish real GitHub deliveries:

  ${movedBy(ports, portOffset)}npx sluice demo publish --rate 20

Ctrl-C stops everything.
`;
}

const CLUSTER = `Sluice is running as a cluster: three of NATS, two of Redis with three Sentinels, two of each service, and a proxy in front.
End any of them while you look at the page: it is started again. Which is which: ps ax, or the files in logs.
`;

/** What a command in another terminal must be told to find this stack's bus. */
function movedBy({ NATS_PORT: port }: DemoPorts, offset: number): string {
  if (port === DEFAULT_PORTS.NATS_PORT) return "";
  return port === DEFAULT_PORTS.NATS_PORT + offset ? `SLUICE_PORT_OFFSET=${offset} ` : `NATS_PORT=${port} `;
}
