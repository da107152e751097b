import { buildServices } from "../scripts/build/build-services.ts";

/** What tests start is what is shipped, built from the code as it stands. */
export async function setup(): Promise<void> {
  await buildServices();
}
