import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DeleteTableCommand,
  DynamoDBClient,
} from "@aws-sdk/client-dynamodb";
import { CreateQueueCommand, DeleteQueueCommand, SQSClient } from "@aws-sdk/client-sqs";
import { createTableInput } from "../../../local/aws/dynamodb/dynamodb.ts";
import { localAws } from "../../../local/aws/local-aws.ts";
import { queueAttributesOf } from "../../../local/aws/sqs/sqs.ts";
import { physicalName } from "../../../local/physical-name.ts";
import type { Resource, Template } from "../../../local/template/resource.ts";
import { startAwsFaultProxy } from "../fakes/aws-fault-proxy.ts";

/** Emulators of others that take the place of ours, by the service; `test/emulators/run.ts` sets them. */
const peerUrls = () => ({
  DynamoDB_20120810: process.env.ACKWIRE_DYNAMODB_ENDPOINT,
  AmazonSQS: process.env.ACKWIRE_SQS_ENDPOINT,
});

/**
 * Creates the tables and queues of the template in the emulators of others that the environment
 * names, in place of those that are there from the test before.
 *
 * @returns the URL of an endpoint that passes each call on to its emulator; `awsUrl` if there is no other
 */
export async function behindPeers(
  awsUrl: string,
  { template, opened }: { template: Template; opened: AsyncDisposableStack },
): Promise<string> {
  const urls: Record<string, string | undefined> = peerUrls();
  if (Object.values(urls).every((url) => url === undefined)) return awsUrl;
  if (urls.DynamoDB_20120810) {
    using client = disposable(new DynamoDBClient(localAws(urls.DynamoDB_20120810)));
    for (const table of template.resources("AWS::DynamoDB::Table")) {
      const input = createTableInput(nameOf(table), table.properties) as CreateTableCommandInput;
      await recreateTable(client.value, input);
    }
  }
  if (urls.AmazonSQS) {
    using client = disposable(new SQSClient(localAws(urls.AmazonSQS)));
    // A dead-letter queue must be there before its source.
    const queues = template
      .resources("AWS::SQS::Queue")
      .toSorted(
        (a, b) => Number("RedrivePolicy" in a.properties) - Number("RedrivePolicy" in b.properties),
      );
    for (const queue of queues) {
      await recreateQueue(client.value, nameOf(queue), queueAttributesOf(queue.properties));
    }
  }
  const router = await startAwsFaultProxy();
  opened.defer(router.close);
  router.forwardTo(({ headers }) => {
    const [service = ""] = String(headers["x-amz-target"]).split(".");
    return urls[service] ?? awsUrl;
  });
  return router.url;
}

/** Creates an empty table, in place of the one of that name. */
export async function recreateTable(client: DynamoDBClient, input: CreateTableCommandInput) {
  const { TableName } = input;
  await client
    .send(new DeleteTableCommand({ TableName }))
    .catch(ignore("ResourceNotFoundException"));
  await client.send(new CreateTableCommand(input));
}

/** Creates an empty queue, in place of the one of that name. @returns its URL */
export async function recreateQueue(
  client: SQSClient,
  QueueName: string,
  Attributes: Record<string, string>,
): Promise<string> {
  const create = () => client.send(new CreateQueueCommand({ QueueName, Attributes }));
  const { QueueUrl } = await create();
  await client.send(new DeleteQueueCommand({ QueueUrl }));
  return (await create()).QueueUrl ?? "";
}

const nameOf = ({ type, logicalId, properties }: Resource) =>
  physicalName(type, logicalId, properties);

const ignore = (name: string) => (error: Error) => {
  if (error.name !== name) throw error;
};

const disposable = <Client extends { destroy(): void }>(value: Client) => ({
  value,
  [Symbol.dispose]: () => value.destroy(),
});
