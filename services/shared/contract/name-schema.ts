import { z } from "zod";
import { NAME } from "../protocol/names.ts";

/** A name that comes in from outside. */
export const nameSchema = z.string().regex(NAME, "must be 1 to 64 of the characters A-Z a-z 0-9 _ -");
