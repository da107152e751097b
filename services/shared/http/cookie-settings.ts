import { isIP } from "node:net";
import { z } from "zod";

/** Where anybody may have a host: browsers refuse cookies for all of them. Only the best known; browsers know all. */
const PUBLIC_SUFFIXES = new Set(
  [
    "co.uk",
    "org.uk",
    "ac.uk",
    "gov.uk",
    "com.au",
    "net.au",
    "co.nz",
    "co.za",
    "co.jp",
    "co.in",
    "co.kr",
    "com.br",
    "com.cn",
  ]
    .concat([
      "com.mx",
      "com.tr",
      "com.sg",
      "github.io",
      "gitlab.io",
      "pages.dev",
      "workers.dev",
      "vercel.app",
      "netlify.app",
    ])
    .concat(["herokuapp.com", "web.app", "firebaseapp.com", "azurewebsites.net", "fly.dev", "onrender.com", "run.app"]),
);

const DOMAIN = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)+$/;

/** The settings of the session cookies. Every service that reads or sets them must be given the same. */
export const cookieSettings = {
  AUTH_COOKIE_DOMAIN: z
    .string()
    .transform((text) => text.replace(/^\./, "").toLowerCase())
    .refine((text) => DOMAIN.test(text) && isIP(text) === 0, "must be a domain with a dot, such as example.com")
    .refine((text) => !PUBLIC_SUFFIXES.has(text), "is a domain below which anybody may have a host: browsers refuse it")
    .optional()
    .meta({
      description:
        "the cookies go to this host and all below it; without it, to the host alone that sets them. Every service must be given the same settings of cookies",
      example: "example.com",
      see: "guides/cookies-and-cors.md",
    }),
  AUTH_COOKIE_SAME_SITE: z
    .string()
    .toLowerCase()
    .pipe(z.enum(["lax", "strict", "none"]))
    .default("lax")
    .describe(
      "`lax`, `strict` or `none`: which pages of other sites have the browser send the cookies; `none` needs an https `AUTH_ISSUER`",
    ),
  AUTH_COOKIE_PARTITIONED: z
    .enum(["0", "1"])
    .default("0")
    .describe(
      "`1` keeps the cookies of a page of another site apart for each site that shows it (CHIPS); needs `AUTH_COOKIE_SAME_SITE=none`",
    ),
  AUTH_COOKIE_NAME_PREFIX: z
    .string()
    .regex(
      /^(?!__)[A-Za-z0-9_-]{1,32}$/,
      "must be 1 to 32 of A-Za-z0-9_- and not begin with __ (an https AUTH_ISSUER brings __Host- or __Secure- by itself)",
    )
    .or(z.literal(""))
    .default("")
    .describe("what the names of the cookies begin with, behind `__Host-` or `__Secure-`"),
};

/** The settings of the session cookies, and the issuer whose scheme and host they go by. */
export type CookieSettings = Readonly<z.infer<z.ZodObject<typeof cookieSettings>> & { AUTH_ISSUER: string }>;

/** Refuses settings that no browser would take a cookie by, with words at the setting that is at fault. */
export function checkCookieSettings({ value, issues }: z.core.ParsePayload<CookieSettings>): void {
  const refuse = (setting: keyof CookieSettings, message: string): void => {
    issues.push({ code: "custom", path: [setting], input: value[setting], message, continue: true });
  };
  const { AUTH_COOKIE_DOMAIN: domain, AUTH_COOKIE_SAME_SITE: sameSite } = value;
  const isSecure = isHttps(value.AUTH_ISSUER);
  if (sameSite === "none" && !isSecure) {
    refuse("AUTH_COOKIE_SAME_SITE", "none needs Secure cookies, which need an AUTH_ISSUER that begins with https://");
  }
  if (value.AUTH_COOKIE_PARTITIONED === "1" && sameSite !== "none") {
    refuse(
      "AUTH_COOKIE_PARTITIONED",
      "is for pages of other sites: set AUTH_COOKIE_SAME_SITE=none as well, or leave it out",
    );
  }
  const host = hostOf(value.AUTH_ISSUER);
  if (domain !== undefined && host !== domain && !host.endsWith(`.${domain}`)) {
    const fault = `${domain} must be the host of AUTH_ISSUER (${host}) or end it: a browser takes no cookie for a domain`;
    refuse("AUTH_COOKIE_DOMAIN", `${fault} that the host which sets it does not belong to`);
  }
}

/** Whether browsers reach auth over TLS. The request does not say: behind a proxy it comes without, and its Host is a claim. */
export function isHttps(issuer: string): boolean {
  return URL.canParse(issuer) && new URL(issuer).protocol === "https:";
}

function hostOf(issuer: string): string {
  return URL.canParse(issuer) ? new URL(issuer).hostname : "";
}
