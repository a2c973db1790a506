/** Frames of the helper, or of a recording, into the engine. */
import { decodeJson } from '../../helper/frames.ts';
import type { Hello, Status } from '../../helper/protocol.ts';
import { FrameType } from '../../helper/protocol.ts';
import type { EngineApi } from '../engine/engine.ts';
import { readClock, readHello, readProcessInfo, readStatus, readTls, readTlsFile } from './checks.ts';

export class Pipeline {
  /** The latest. */
  status: Status | null = null;
  hello: Hello | null = null;

  constructor(private readonly engine: EngineApi) {}

  /** @throws FrameError or RecordError for what no helper writes. */
  frame(type: FrameType, payload: Uint8Array): void {
    switch (type) {
      case FrameType.Hello:
        this.hello = readHello(decodeJson(payload));
        this.engine.setTlsOff(this.hello.tlsOff);
        return;
      case FrameType.Clock: {
        const clock = readClock(decodeJson(payload));
        this.engine.setClock({ offset: BigInt(clock.offset), bootTime: BigInt(clock.bootTime) });
        return;
      }
      case FrameType.Process: {
        const info = readProcessInfo(decodeJson(payload));
        if (info.error === null) this.engine.setProcess(info.pid, info.name);
        return;
      }
      case FrameType.Tls: {
        const { pid, libraries } = readTls(decodeJson(payload));
        this.engine.setTls(pid, libraries);
        return;
      }
      case FrameType.TlsFile: {
        const { file, version } = readTlsFile(decodeJson(payload));
        this.engine.setTlsFile(file, version);
        return;
      }
      case FrameType.Records:
        this.engine.push(payload);
        return;
      case FrameType.Status:
        this.status = readStatus(decodeJson(payload));
        this.engine.advance(BigInt(this.status.upTo));
        return;
      default:
        return;
    }
  }
}
