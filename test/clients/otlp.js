// Exports log records by OpenTelemetry's SDK: otlp.js PORT TOKEN proto|http. Fails where an export fails.
'use strict';
const assert = require('node:assert');
const { SeverityNumber } = require('@opentelemetry/api-logs');
const { resourceFromAttributes } = require('@opentelemetry/resources');
const { LoggerProvider, BatchLogRecordProcessor } = require('@opentelemetry/sdk-logs');

function exported(exporter, records) {
  return new Promise((resolve) => exporter.export(records, resolve));
}

async function main(port, token, kind) {
  const { OTLPLogExporter } = require(`@opentelemetry/exporter-logs-otlp-${kind}`);
  const make = (bearer) => new OTLPLogExporter({
    url: `http://127.0.0.1:${port}/v1/logs`,
    headers: { Authorization: `Bearer ${bearer}` },
    compression: 'gzip',
  });
  const results = [];
  const exporter = make(token);
  const inner = exporter.export.bind(exporter);
  const kept = [];
  exporter.export = (records, callback) => {
    kept.push(...records);
    inner(records, (result) => { results.push(result.code); callback(result); });
  };
  const provider = new LoggerProvider({
    resource: resourceFromAttributes({ 'service.name': 'shop' }),
    processors: [new BatchLogRecordProcessor(exporter)],
  });
  const logger = provider.getLogger('lib', '1.2');
  for (let n = 0; n < 200; ++n) {
    logger.emit({
      timestamp: new Date(1767323045000 + n),
      severityNumber: SeverityNumber.ERROR,
      severityText: 'ERROR',
      body: n === 0 ? { user: { name: 'ann' }, tries: [1, 2] } : `failed ${n}`,
      attributes: { 'source.ip': '192.0.2.1', n, ratio: 0.5, ok: true },
    });
  }
  await provider.forceFlush();
  assert.ok(results.length > 0 && results.every((code) => code === 0), JSON.stringify(results));
  const refused = make('wrong');
  assert.strictEqual((await exported(refused, kept.slice(0, 1))).code, 1);
  await refused.shutdown();
  await provider.shutdown();
}
main(...process.argv.slice(2)).then(() => console.log('done'), (error) => { console.error(error); process.exit(1); });
