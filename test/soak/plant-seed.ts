import fc from "fast-check";
import { SEED_VARIABLE } from "./amount.ts";

// vitest runs this before each file of a soak.
fc.configureGlobal({ seed: Number(process.env[SEED_VARIABLE]) });
