import { z } from "zod";
import type { TlsFileSettings } from "#shared/tls/tls-material.ts";

/** Files in PEM for gRPC with mutual TLS: all three, or none for plaintext. They are read again when they change. */
export const grpcTlsSettings = {
  /** This service's certificate for `<service>.sluice`, and what leads from it to an authority. */
  GRPC_TLS_CERT_FILE: z.string().optional(),
  GRPC_TLS_KEY_FILE: z.string().optional(),
  /** The authorities whose certificates are believed. */
  GRPC_TLS_CA_FILE: z.string().optional(),
  /** `allow`: gRPC in plain text on another address than loopback, for a network that no stranger reaches. */
  GRPC_PLAINTEXT: z.enum(["refuse", "allow"]).default("refuse"),
};

/** What a service's settings say about TLS between the services. */
export type GrpcTlsSettings = Readonly<Partial<z.infer<z.ZodObject<typeof grpcTlsSettings>>>>;

/** Which of the settings names which file. */
export const grpcTlsFiles = {
  certificate: "GRPC_TLS_CERT_FILE",
  privateKey: "GRPC_TLS_KEY_FILE",
  authorities: "GRPC_TLS_CA_FILE",
} as const satisfies TlsFileSettings & Record<string, keyof GrpcTlsSettings>;
