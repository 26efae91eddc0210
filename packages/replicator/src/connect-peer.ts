// connect-peer.ts — from appliance.yaml and the secrets to a peer that can be asked.
import { type ApplianceConfig, type AppliancePaths, readTextFile } from "@lbpair/common";
import { PeerFailureError } from "./core/peer-failure.js";
import { createPeer, type Peer } from "./peer.js";
import { createSshRemote, type Remote } from "./ssh-remote.js";

async function secret(path: string, what: string): Promise<string> {
  const text = await readTextFile(path);
  if (text !== undefined && text.trim() !== "") return text;
  throw new PeerFailureError("authentication", `${path}: want ${what}, got nothing`);
}

/**
 * The secrets are read at each new connection, so that pairing takes effect without a restart; a
 * missing one is a reason shown in the status, not a crash.
 */
function lazyRemote(
  ssh: NonNullable<ApplianceConfig["peer"]>["ssh"],
  paths: AppliancePaths,
  onLost: () => void,
): Remote {
  let made: Promise<Remote> | undefined;
  let closed = false;
  const make = async (): Promise<Remote> => {
    const privateKey = await secret(paths.replicationKeyFile, "the SSH key of this pair");
    const hostKey = await secret(paths.peerHostKeyFile, "the peer's host key");
    const { address, port, user } = ssh;
    return createSshRemote({ address, port, user, privateKey, hostKey, onLost });
  };
  return {
    async request(...parts) {
      made ??= make();
      const mine = made;
      try {
        return await (await mine).request(...parts);
      } catch (error) {
        const again =
          error instanceof PeerFailureError &&
          (error.kind === "authentication" || error.kind === "wrong-host-key");
        if (again && made === mine && !closed) made = undefined;
        throw error;
      }
    },
    close() {
      closed = true;
      made?.then((remote) => remote.close()).catch(() => undefined);
    },
  };
}

/** Undefined on a single appliance. */
export function connectPeer(
  appliance: ApplianceConfig,
  paths: AppliancePaths,
  onLost: () => void,
): Peer | undefined {
  if (appliance.peer === undefined) return undefined;
  return createPeer(lazyRemote(appliance.peer.ssh, paths, onLost));
}
