// index.ts — what tools and tests may use: setting up accounts, judging a candidate, running the daemon.
export * from "./accounts.js";
export { PeerFailureError, type PeerFailureKind } from "./core/peer-failure.js";
export { hashOf, planFiles, type ServiceFiles } from "./core/service-files.js";
export { type DaemonOptions, type ReplicatorDaemon, startReplicator } from "./daemon.js";
export { readServiceFiles } from "./files-on-disk.js";
export { judgeCandidate } from "./judge-candidate.js";
export { createPeer, type Peer } from "./peer.js";
export { createRevisionStore, installRevision, type RevisionStore } from "./revision-store.js";
export {
  CONNECT_MS_MAX,
  createSshRemote,
  type Remote,
  type SshRemoteOptions,
} from "./ssh-remote.js";
