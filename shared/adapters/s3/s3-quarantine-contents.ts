import {
  DeleteObjectCommand,
  GetObjectCommand,
  NoSuchKey,
  paginateListObjectsV2,
  type S3Client,
} from "@aws-sdk/client-s3";
import type { QuarantineContents } from "../../core/inbound/release-quarantine.ts";

/** The part of the bucket where `makeBlobQuarantine` puts a connection's webhooks. */
export function makeS3QuarantineContents(options: {
  client: S3Client;
  bucket: string;
}): QuarantineContents {
  const { client, bucket: Bucket } = options;
  return {
    async *keys(connectionId) {
      const Prefix = `quarantine/${connectionId}/`;
      for await (const { Contents } of paginateListObjectsV2({ client }, { Bucket, Prefix })) {
        for (const { Key } of Contents ?? []) if (Key) yield Key;
      }
    },
    async get(Key) {
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
        return await Body?.transformToByteArray();
      } catch (error) {
        if (error instanceof NoSuchKey) return undefined;
        throw error;
      }
    },
    async remove(Key) {
      await client.send(new DeleteObjectCommand({ Bucket, Key }));
    },
  };
}
