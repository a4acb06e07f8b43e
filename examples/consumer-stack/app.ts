/**
 * A CDK app that consumes the events of an Ackwire stack in four ways.
 *
 *     npx cdk deploy Consumer -c busName=… -c otherBusArn=…
 */
import { App } from "aws-cdk-lib";
import { ConsumerStack } from "./consumer-stack.ts";
import { ReceivingStack } from "./receiving-stack.ts";

const app = new App();
const read = (key: string): string => String(app.node.getContext(key));

new ConsumerStack(app, "Consumer", {
  // The output BusName of the Ackwire stack.
  busName: read("busName"),
  otherBusArn: read("otherBusArn"),
});
// For the other account. Its only input is the account that the events come from.
new ReceivingStack(app, "Receiving", { sendingAccount: "111111111111" });
