import { hash } from "node:crypto";

/** Whether a name is among this percentage of all names; always the same for the same name, and for a larger percentage if for a smaller. */
export function isInShare(name: string, percent: number): boolean {
  if (percent >= 100) return true;
  if (percent <= 0) return false;
  const place = hash("sha256", name, "buffer").readUInt32BE() / 2 ** 32;
  return place * 100 < percent;
}
