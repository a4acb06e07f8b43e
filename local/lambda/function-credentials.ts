import { createHash } from "node:crypto";

export interface FunctionCredentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
}

/**
 * Returns the credentials with which a function signs its AWS calls in the local
 * run. All environments of a function have the same ones; the local endpoint
 * finds the role by the access key id. They are not valid on AWS.
 */
export function functionCredentials(logicalId: string): FunctionCredentials {
  const hash = createHash("sha256").update(`ackwire local ${logicalId}`).digest("hex");
  return {
    accessKeyId: `ASIA${hash.slice(0, 16).toUpperCase()}`,
    secretAccessKey: hash.slice(16, 56),
    sessionToken: `local-${logicalId}`,
  };
}
