import { z } from "zod";

const REGION = /^[a-z][a-z0-9-]{0,30}$/;

/** Where the home of a service is. */
export const homeSettings = {
  SLUICE_HOME_REGIONS: z
    .string()
    .transform((text, { issues }) => {
      const regions = text.split(",").map((each) => each.trim());
      const isRight = regions.length <= 2 && new Set(regions).size === regions.length;
      if (isRight && regions.every((each) => REGION.test(each))) return regions;
      issues.push({
        code: "custom",
        input: text,
        message: "must name one region or two, with a comma, each by the JetStream domain of its servers",
      });
      return z.NEVER;
    })
    .optional()
    .meta({
      description:
        "the regions that hold the home of this service: the one in which it is made, and the one that mirrors it; without it there is one region",
      example: "eu,us",
      see: "operate/regions.md",
    }),
};

/** The settings of a home, parsed. */
export type HomeSettings = Readonly<z.infer<z.ZodObject<typeof homeSettings>>>;
