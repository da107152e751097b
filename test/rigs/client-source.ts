import { Credentials, type CredentialOptions } from "../../services/client/credentials/credentials.ts";
import { askCapabilities } from "../../services/client/roads/ask-capabilities.ts";
import { BackOff } from "../../services/client/back-off.ts";
import { createSourceOpener } from "../../services/client/open-source.ts";
import type { StreamOptions } from "../../services/client/options.ts";
import { Reporter } from "../../services/client/reports/reporter.ts";
import { RoadChoice } from "../../services/client/roads/road-choice.ts";
import type { StreamState } from "../../services/client/stream-state.ts";
import type { Frame } from "../../services/shared/protocol/frame.ts";
import { createFakeEnvironment, createFakeRoad, type FakeEnvironment, settle } from "./fake-environment.ts";

/** The page that a source is opened in. */
interface FakePage {
  readonly environment?: FakeEnvironment;
}

/** A source over two fake roads, and what it tells. */
export async function openFakeSource({
  environment = createFakeEnvironment(),
  lastEventId,
  ...change
}: Partial<CredentialOptions> &
  Pick<StreamOptions, "subscription" | "from" | "lastEventId" | "reports"> &
  FakePage = {}) {
  const [sse, websocket] = [createFakeRoad(), createFakeRoad()];
  const options = { url: "http://edge.test", token: "first", ...change };
  const credentials = new Credentials(options, environment);
  const [frames, states]: [Frame[], StreamState[]] = [[], []];
  const opener = createSourceOpener({
    options,
    parameters: new URLSearchParams("topic=a.>"),
    environment,
    credentials,
    backOff: new BackOff(environment),
    choice: new RoadChoice(["sse", "websocket"], options.url, environment),
    roads: { sse: sse.follow, websocket: websocket.follow },
    ask: askCapabilities,
    reporter: new Reporter(options, credentials, environment),
  });
  const listener = {
    onFrame: (frame: Frame) => frames.push(frame),
    onState: (state: StreamState) => states.push(state),
  };
  const source = opener(listener, lastEventId);
  await settle();
  return {
    environment,
    sse,
    websocket,
    source,
    frames,
    states,
    reopen: () => opener(listener, undefined),
    ids: () => frames.flatMap(({ id }) => id ?? []),
  };
}
