// Sends events by Splunk's logger: splunk.js PORT TOKEN. Fails where an answer is not as expected.
'use strict';
const assert = require('node:assert');
const { Logger } = require('splunk-logging');

function send(logger, payload) {
  return new Promise((resolve, reject) => {
    logger.error = () => {};
    logger.send(payload, (error, response, body) => (error ? reject(error) : resolve({ status: response.statusCode, body })));
  });
}
function flush(logger) {
  return new Promise((resolve, reject) => {
    logger.flush((error, response, body) => (error ? reject(error) : resolve({ status: response.statusCode, body })));
  });
}

async function main(port, token) {
  const url = `http://127.0.0.1:${port}`;
  const one = await send(new Logger({ token, url }), {
    message: { user: 'ann', action: 'login' },
    severity: 'warn',
    metadata: { source: 'shop', sourcetype: 'app', index: 'main', host: 'web01' },
  });
  assert.strictEqual(one.status, 200);
  assert.deepStrictEqual(one.body, { text: 'Success', code: 0 });

  const batch = new Logger({ token, url, batchInterval: 0, maxBatchCount: 0 });
  for (let n = 0; n < 100; ++n) batch.send({ message: `batched ${n}` });
  assert.strictEqual((await flush(batch)).body.code, 0);

  const wrong = await send(new Logger({ token: 'wrong', url }), { message: 'no' });
  assert.strictEqual(wrong.status, 403);
  assert.strictEqual(wrong.body.code, 4);
}
main(...process.argv.slice(2)).then(() => console.log('done'), (error) => { console.error(error); process.exit(1); });
