import { REGION } from "../physical-name.ts";

/** Returns the SDK settings of callers that are not functions. */
export function localAws(endpoint: string, region = REGION) {
  return {
    endpoint,
    region,
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
  };
}
