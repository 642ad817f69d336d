// Sends events with a real Lumberjack client and prints what was acknowledged.
//   node lumberjack.js v2 <port> <count> [<ca.pem>]      lumberjack-client: one compressed window; reads answers beside it
//   node lumberjack.js v1 <port> <count> <ca.pem> [<client.pem> <client.key>]   lumberjack-protocol: windows of 5
'use strict'
const fs = require('fs')
const [version, port, countText, ca, certificate, key] = process.argv.slice(2)
const count = Number(countText)
const tlsOptions = {host: '127.0.0.1', port: Number(port)}
if (ca) tlsOptions.ca = fs.readFileSync(ca)
if (certificate) Object.assign(tlsOptions, {cert: fs.readFileSync(certificate), key: fs.readFileSync(key)})
setTimeout(() => process.exit(2), 10000)

if (version === 'v2') {
  const Client = require('lumberjack-client')
  const client = new Client(tlsOptions, Boolean(ca))
  for (let i = 1; i <= count; i++) client.log({message: 'event ' + i, '@metadata': {beat: 'test'}})
  let answers = Buffer.alloc(0)
  client.socket.on('data', data => {
    answers = Buffer.concat([answers, data])
    for (; answers.length >= 6; answers = answers.subarray(6)) {
      const sequence = answers.readUInt32BE(2)
      console.log(answers.toString('latin1', 0, 2) + ' ' + sequence)
      if (sequence === count) process.exit(0)
    }
  })
} else {
  const ClientSocket = require('lumberjack-protocol/lib/ClientSocket')
  const socket = new ClientSocket({windowSize: 5})
  socket.on('connect', () => {
    for (let i = 1; i <= count; i++) socket.writeDataFrame({line: 'event ' + i, host: 'h'}, () => {})
  })
  socket.on('ack', sequence => {
    console.log('ack ' + sequence)
    if (sequence === count) process.exit(0)
  })
  socket.on('error', error => { console.log(error.message); process.exit(1) })
  socket.on('end', () => { console.log('end'); process.exit(1) })
  socket.connect(tlsOptions)
}
