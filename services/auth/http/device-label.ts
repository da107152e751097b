import Bowser from "bowser";
import { z } from "zod";

const MAX_CHARACTERS = 120;

/** Longer words are no browser's, and would only cost time. */
const MAX_PARSED_CHARACTERS = 512;

const UNPRINTABLE = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu;

/** A name that a user gives a device: 1 to 120 printable characters. */
export const deviceSchema = z
  .string()
  .trim()
  .min(1)
  .max(MAX_CHARACTERS)
  .refine((text) => text.replaceAll(UNPRINTABLE, "") === text, "must be printable characters");

/** The name of a session whose user gave none: browser and system, or the printable part of the program's own words. */
export function deviceLabelOf(userAgent = ""): string {
  const printable = userAgent.replaceAll(UNPRINTABLE, "").trim().slice(0, MAX_PARSED_CHARACTERS);
  if (printable === "") return "unknown device";
  const { browser, os, platform } = Bowser.parse(printable);
  if (!browser.name || !os.name) return printable.slice(0, MAX_CHARACTERS);
  const device = platform.model === undefined ? os.name : `${os.name} (${platform.model})`;
  return `${browser.name} on ${device}`.slice(0, MAX_CHARACTERS);
}
