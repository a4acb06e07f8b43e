import { type App, CfnOutput, Stack } from "aws-cdk-lib";
import { Certificate } from "aws-cdk-lib/aws-certificatemanager";
import { type Config, retainsData } from "./config.ts";
import { Ackwire } from "./constructs/ackwire.ts";

/** One stage of Ackwire as a stack, for any account and region. */
export class AckwireStack extends Stack {
  constructor(app: App, config: Config) {
    const { stage, settings, businessClock, providerBaseUrls, webhookTargets } = config;
    const { alarmEmail, customDomain } = config;
    const retainData = retainsData(stage);
    super(app, `ackwire-${stage}`, {
      description: `Ackwire, stage ${stage}`,
      terminationProtection: retainData,
    });
    const ackwire = new Ackwire(this, "Ackwire", {
      settings,
      retainData,
      businessClock,
      providerBaseUrls,
      webhookTargets,
      alarmEmail,
      customDomain: customDomain && {
        domainName: customDomain.domainName,
        certificate: Certificate.fromCertificateArn(
          this,
          "Certificate",
          customDomain.certificateArn,
        ),
      },
    });
    this.#outputs(ackwire);
  }

  /** The outputs that users, the CLI and the local run read. The keys are frozen. */
  #outputs({ bus, alarmTopic, parts: { stores, publicApi } }: Ackwire): void {
    const outputs = {
      ApiUrl: publicApi.url,
      BusName: bus.eventBusName,
      InboundQueueUrl: stores.inbound.queue.queueUrl,
      InboundDlqUrl: stores.inbound.deadLetters.queueUrl,
      SubmitQueueUrl: stores.submit.queue.queueUrl,
      SubmitDlqUrl: stores.submit.deadLetters.queueUrl,
      RequestScheduleDlqUrl: stores.schedules.deadLetters.queueUrl,
      FanoutQueueUrl: stores.fanout.queue.queueUrl,
      FanoutDlqUrl: stores.fanout.deadLetters.queueUrl,
      AttemptsQueueUrl: stores.attempts.queue.queueUrl,
      AttemptsDlqUrl: stores.attempts.deadLetters.queueUrl,
      RetriesQueueUrl: stores.retries.queue.queueUrl,
      RetriesDlqUrl: stores.retries.deadLetters.queueUrl,
      RequestsTableName: stores.requests.table.tableName,
      EventsTableName: stores.events.table.tableName,
      DeliveriesTableName: stores.deliveries.table.tableName,
      BodiesBucketName: stores.bodies.bucket.bucketName,
      ConfigTableName: stores.config.table.tableName,
      MasterSecretArn: stores.masterSecret.secret.secretArn,
      AlarmTopicArn: alarmTopic.topicArn,
      ...(publicApi.domainTarget === undefined ? {} : { ApiDomainTarget: publicApi.domainTarget }),
    };
    for (const [key, value] of Object.entries(outputs)) new CfnOutput(this, key, { value });
  }
}
