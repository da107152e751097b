import { z } from "zod";
import { PERMISSION } from "#shared/protocol/permissions.ts";

/** A permission as it comes in from outside: 2 to 8 names with colons between. */
export const permissionSchema = z
  .string()
  .regex(PERMISSION, "must be a permission such as order:read, without wildcards");
