import { z } from "zod";
import type { TlsFileSettings } from "#shared/tls/tls-material.ts";

/** Files in PEM for gRPC with mutual TLS: all three, or none for plaintext. They are read again when they change. */
export const grpcTlsSettings = {
  GRPC_TLS_CERT_FILE: z.string().optional().meta({
    description:
      "this service's certificate for `<service>.sluice` and what leads from it to an authority, in PEM; set with the next two, or not at all",
    see: "operate/between-the-services.md",
  }),
  GRPC_TLS_KEY_FILE: z.string().optional().describe("the key of the certificate in `GRPC_TLS_CERT_FILE`, in PEM"),
  GRPC_TLS_CA_FILE: z
    .string()
    .optional()
    .describe("the authorities from which the other services have their certificates, in PEM"),
  GRPC_PLAINTEXT: z
    .enum(["refuse", "allow"])
    .default("refuse")
    .describe("`allow`: gRPC in plain text on another address than loopback, for a network that no stranger reaches"),
};

/** What a service's settings say about TLS between the services. */
export type GrpcTlsSettings = Readonly<Partial<z.infer<z.ZodObject<typeof grpcTlsSettings>>>>;

/** Which of the settings names which file. */
export const grpcTlsFiles = {
  certificate: "GRPC_TLS_CERT_FILE",
  privateKey: "GRPC_TLS_KEY_FILE",
  authorities: "GRPC_TLS_CA_FILE",
} as const satisfies TlsFileSettings & Record<string, keyof GrpcTlsSettings>;
