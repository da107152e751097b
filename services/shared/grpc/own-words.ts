import { Metadata } from "@grpc/grpc-js";

const NAME = "sluice-error";

/** What a failure carries whose words a service of ours has chosen for those who read it. */
export function ownWords(): Metadata {
  const metadata = new Metadata();
  metadata.set(NAME, "1");
  return metadata;
}

/** Whether the words of a failure were chosen so. Those of grpc-js itself name hosts and ports. */
export function areOwnWords(metadata: Metadata): boolean {
  return metadata.get(NAME).length > 0;
}
