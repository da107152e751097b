import type { Terminal } from "../shared/command.ts";
import { untilInterrupted } from "../shared/until-interrupted.ts";
import { connectProducer } from "../shared/connect-producer.ts";
import type { PublishOptions } from "./publish-options.ts";
import { replay, type ReplayCounts } from "./replay.ts";
import { readDeliveries, toPublication } from "./to-publication.ts";

/** Enough for thousands of events a second over a millisecond of round trip. */
const MAX_PENDING = 256;

/** Replays real GitHub webhook deliveries to NATS until it has published enough, or Ctrl-C; fails where some were refused. */
export async function publishDeliveries(options: PublishOptions, terminal: Terminal): Promise<void> {
  const { tenant, natsUrl, ratePerSecond } = options;
  const { print, say, endWith } = terminal;
  const publications = (await readDeliveries()).map(toPublication);
  await using producer = await connectProducer(natsUrl, tenant);
  say(
    `publishing ${ratePerSecond} events a second as events.${tenant}.> to ${natsUrl.slice(natsUrl.lastIndexOf("@") + 1)}; Ctrl-C stops`,
  );

  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, untilInterrupted()]);
  const counts: ReplayCounts = { published: 0, acknowledged: 0, refused: 0 };
  let refusal = "";
  const publish = (publication: (typeof publications)[number]): Promise<unknown> =>
    producer.publish(publication).catch((error: Error) => {
      refusal = error.message;
      // What has never worked will not begin to; what worked before may come back, with the broker.
      if (counts.acknowledged === 0) stop.abort();
      throw error;
    });
  {
    using _progress = showProgress(counts);
    const count = options.count ?? publications.length;
    await replay(publications, { publish, ratePerSecond, count, maxPending: MAX_PENDING, signal }, counts);
  }
  print(counts, summaryOf(counts));
  if (counts.refused === 0) return;
  say(`the last refusal: ${refusal}`);
  endWith(1);
}

/** Keeps one line current on a terminal; elsewhere the summary is enough. */
function showProgress(counts: ReplayCounts): Disposable {
  if (!process.stdout.isTTY) return { [Symbol.dispose]: () => undefined };
  const clearLine = "\r\u001B[K";
  const timer = setInterval(() => process.stdout.write(`${clearLine}${summaryOf(counts)}`), 200);
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      process.stdout.write(clearLine);
    },
  };
}

function summaryOf({ published, acknowledged, refused }: ReplayCounts): string {
  return `published ${published}, acknowledged ${acknowledged}${refused === 0 ? "" : `, refused ${refused}`}`;
}
