import type { S3Client } from "@aws-sdk/client-s3";
import { Failure } from "../../contracts/failures.ts";
import type { BlobStore, QuarantineStore } from "../../core/inbound/ports.ts";
import { quarantineKey } from "../../core/inbound/quarantine-key.ts";
import { callDependency } from "../dependency-down.ts";

/** The S3 SDK is large and most invocations do not need it: it is loaded for the first blob. */
export function makeS3BlobStore(options: { bucket: string; config: object }): BlobStore {
  const { bucket: Bucket } = options;
  let loaded: Promise<{ s3: typeof import("@aws-sdk/client-s3"); client: S3Client }> | undefined;

  function load() {
    loaded ??= import("@aws-sdk/client-s3").then((s3) => ({
      s3,
      client: new s3.S3Client(options.config),
    }));
    return loaded;
  }

  return {
    async put(Key, Body, abortSignal) {
      await callDependency("S3 PutObject", async () => {
        const { s3, client } = await load();
        const options = abortSignal ? { abortSignal } : {};
        await client.send(new s3.PutObjectCommand({ Bucket, Key, Body }), options);
      });
    },
    async get(Key) {
      const found = await callDependency("S3 GetObject", async () => {
        const { s3, client } = await load();
        try {
          const { Body } = await client.send(new s3.GetObjectCommand({ Bucket, Key }));
          return await Body?.transformToByteArray();
        } catch (error) {
          if (error instanceof s3.NoSuchKey) return undefined;
          throw error;
        }
      });
      if (found) return found;
      throw new Failure("BODY_GONE", "the bucket has no such object");
    },
  };
}

/** The quarantine is a part of the bucket, sorted by connection and time. */
export function makeBlobQuarantine(blobs: BlobStore): QuarantineStore {
  return {
    put: (webhook, signal) => blobs.put(quarantineKey(webhook), webhook.body, signal),
  };
}
