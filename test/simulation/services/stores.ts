import { NoSuchKey } from "@aws-sdk/client-s3";

interface Stored {
  body: Uint8Array;
  metadata: Readonly<Record<string, string>>;
}

/** A bucket of S3. */
export function makeBucket() {
  const objects = new Map<string, Stored>();
  return {
    operations: {
      PutObjectCommand({
        Key,
        Body,
        Metadata = {},
      }: {
        Key: string;
        Body: Uint8Array | string;
        Metadata?: Record<string, string>;
      }) {
        objects.set(Key, { body: Buffer.from(Body as Uint8Array), metadata: { ...Metadata } });
        return {};
      },
      GetObjectCommand({ Key }: { Key: string }) {
        const found = objects.get(Key);
        if (!found) throw new NoSuchKey({ message: Key, $metadata: { httpStatusCode: 404 } });
        const { body, metadata: Metadata } = found;
        return { Body: { transformToByteArray: async () => body }, Metadata };
      },
      ListObjectsV2Command: ({ Prefix }: { Prefix: string }) => ({
        Contents: [...objects.keys()]
          .filter((key) => key.startsWith(Prefix))
          .sort()
          .map((Key) => ({ Key })),
      }),
    },
  };
}

/** One secret of Secrets Manager. */
export const makeSecret = (text: string) => ({
  operations: { GetSecretValueCommand: () => ({ SecretString: text }) },
});
