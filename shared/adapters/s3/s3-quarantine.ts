import type { QuarantineStore } from "../../core/inbound/ports.ts";
import { quarantineKey } from "../../core/inbound/quarantine-key.ts";
import type { QuarantineContents } from "../../core/inbound/release-quarantine.ts";
import { callDependency } from "../dependency-down.ts";
import { makeLoadS3 } from "./load-s3.ts";

/**
 * The quarantine is a part of the bucket, sorted by connection and time. An object is the body of
 * a webhook, and its user metadata are the headers of the signature: earlier versions wrote, and
 * read, the body alone.
 */
export function makeS3Quarantine(options: {
  bucket: string;
  config: object;
}): QuarantineStore & QuarantineContents {
  const { bucket: Bucket } = options;
  const load = makeLoadS3(options.config);

  return {
    async put(webhook, abortSignal) {
      await callDependency("S3 PutObject", async () => {
        const { s3, client } = await load();
        const { body: Body, headers: Metadata } = webhook;
        const object = { Bucket, Key: quarantineKey(webhook), Body, Metadata };
        await client.send(new s3.PutObjectCommand(object), { abortSignal });
      });
    },
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
        const { Body, Metadata } = await client.send(new s3.GetObjectCommand({ Bucket, Key }));
        return Body && { body: await Body.transformToByteArray(), headers: Metadata ?? {} };
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
