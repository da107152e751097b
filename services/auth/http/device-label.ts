import { z } from "zod";

const MAX_CHARACTERS = 120;

const UNPRINTABLE = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu;

/** A name that a user gives a device: 1 to 120 printable characters. */
export const deviceSchema = z
  .string()
  .trim()
  .min(1)
  .max(MAX_CHARACTERS)
  .refine((text) => text.replaceAll(UNPRINTABLE, "") === text, "must be printable characters");

/** What a session is called whose user gave no name: the printable part of the browser's own words. */
export function deviceLabelOf(userAgent: string | undefined): string {
  const printable = (userAgent ?? "").replaceAll(UNPRINTABLE, "").trim();
  return printable.slice(0, MAX_CHARACTERS) || "unknown device";
}
