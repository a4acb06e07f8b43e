import { createHash } from "node:crypto";

export interface FunctionCredentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
}

/**
 * What a function signs its AWS calls with in the local run: the same for all
 * of its environments, and by its access key id the endpoint knows its role.
 * They open nothing outside the local run.
 */
export function functionCredentials(logicalId: string): FunctionCredentials {
  const hash = createHash("sha256").update(`ackwire local ${logicalId}`).digest("hex");
  return {
    accessKeyId: `ASIA${hash.slice(0, 16).toUpperCase()}`,
    secretAccessKey: hash.slice(16, 56),
    sessionToken: `local-${logicalId}`,
  };
}
