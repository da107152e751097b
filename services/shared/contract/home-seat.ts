/** The stream of a home that tells where the home is written: a mirror of it in another region, or the original here. */
export const SEAT_STREAM = "KV_sluice_policy";

/** The metadata of a stream whose home may not be written here any more. */
export const FENCED_METADATA = "sluice_fenced";

/** Of the API of another region's JetStream, as a mirror names its origin. */
const EXTERNAL_API = /^\$JS\.(.+)\.API$/;

/** What a stream says of where it is written. */
export interface MirrorConfig {
  readonly mirror?: { readonly external?: { readonly api?: string | undefined } | null | undefined } | null | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** Where a home, or one of its streams, is written: `region` is undefined where it is fenced here and nobody says where it went. */
export type Seat = { readonly is: "here" } | { readonly is: "elsewhere"; readonly region: string | undefined };

/** Where a stream is written, by its own configuration. */
export function seatOf({ mirror, metadata }: MirrorConfig): Seat {
  if (mirror !== undefined && mirror !== null) {
    return { is: "elsewhere", region: EXTERNAL_API.exec(mirror.external?.api ?? "")?.[1] };
  }
  return metadata?.[FENCED_METADATA] === undefined ? { is: "here" } : { is: "elsewhere", region: undefined };
}
