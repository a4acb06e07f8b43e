import type { S3Client } from "@aws-sdk/client-s3";

/**
 * Makes the function that returns the S3 SDK and a client of it, the same ones each time. The SDK
 * is large and most invocations do not need it: it is loaded by the first call.
 */
export function makeLoadS3(config: object) {
  let loaded: Promise<{ s3: typeof import("@aws-sdk/client-s3"); client: S3Client }> | undefined;
  return () => {
    loaded ??= import("@aws-sdk/client-s3").then((s3) => ({ s3, client: new s3.S3Client(config) }));
    return loaded;
  };
}
