import type { S3Client } from "@aws-sdk/client-s3";
import type { QuarantineContents } from "../../core/inbound/release-quarantine.ts";

/**
 * The part of the bucket where `makeBlobQuarantine` puts a connection's webhooks. The S3 SDK is
 * loaded when it is first needed.
 */
export function makeS3QuarantineContents(options: {
  bucket: string;
  config: object;
}): QuarantineContents {
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
    async *keys(connectionId) {
      const { s3, client } = await load();
      const Prefix = `quarantine/${connectionId}/`;
      for await (const { Contents } of s3.paginateListObjectsV2({ client }, { Bucket, Prefix })) {
        for (const { Key } of Contents ?? []) if (Key) yield Key;
      }
    },
    async get(Key) {
      const { s3, client } = await load();
      try {
        const { Body } = await client.send(new s3.GetObjectCommand({ Bucket, Key }));
        return await Body?.transformToByteArray();
      } catch (error) {
        if (error instanceof s3.NoSuchKey) return undefined;
        throw error;
      }
    },
    async remove(Key) {
      const { s3, client } = await load();
      await client.send(new s3.DeleteObjectCommand({ Bucket, Key }));
    },
  };
}
