import type { ChannelOptions } from "@grpc/grpc-js";

/** The largest message either side takes: a batch of 1024 questions with long role lists fits well. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/** How a client keeps its channel: notices a dead peer in 15 s, and comes back within a second of the peer's return. */
export const clientChannelOptions: ChannelOptions = {
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 5_000,
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.min_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 1_000,
  "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
  // A process that is started again may have another address. By default a name is asked for at most every 30 s, in which all
  // processes of a service may have been replaced, and nobody would be found.
  "grpc.dns_min_time_between_resolutions_ms": 1_000,
  // Nor is DNS asked for a service's configuration: it is here.
  "grpc.service_config_disable_resolution": 1,
  // Where a name has several addresses, calls go to all that answer; by default all of them would go to one.
  "grpc.service_config": JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
};

/** How a server treats its channels; connections are renewed each hour so that load spreads over new processes. */
export const serverChannelOptions: ChannelOptions = {
  "grpc.keepalive_time_ms": 30_000,
  "grpc.keepalive_timeout_ms": 10_000,
  "grpc.max_connection_age_ms": 3_600_000,
  "grpc.max_connection_age_grace_ms": 30_000,
  "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
};
