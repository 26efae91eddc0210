// heartbeat-paths.ts — how many paths a pair may have, known to the wire format and to the schema alike.
export const HEARTBEAT_PATHS_MAX = 8;
