export { ApplicationCommunicator } from "./testing/application-communicator.ts";
export {
  type ConnectResult,
  type ReceivedClose,
  WebsocketCommunicator,
  type WebsocketOptions,
} from "./testing/websocket-communicator.ts";
export { type CommunicatorResponse, HttpCommunicator, type HttpOptions } from "./testing/http-communicator.ts";
export { type LiveServer, liveServer, type LiveServerOptions } from "./testing/live-server.ts";
export type { RequestOptions } from "./testing/test-scope.ts";
export {
  layerConformance,
  type LayerConformanceCase,
  type LayerConformanceOptions,
  type OptionalPromise,
} from "./testing/layer-conformance.ts";
