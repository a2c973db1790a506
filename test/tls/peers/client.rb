# A client: client.rb PORT FOLDER VERSION; see ../plan.ts.
require 'digest'
require 'net/http'

port, folder, version = ARGV
$stdout.sync = true
puts "pid #{Process.pid}"
http = Net::HTTP.new('localhost', port.to_i, nil)
http.use_ssl = true
http.ca_file = "#{folder}/ca.pem"
http.keep_alive_timeout = 600
http.min_version = http.max_version = version == '1.2' ? :TLS1_2 : :TLS1_3
while (line = $stdin.gets)
  method, path, id, framing, file = line.split
  http.start unless http.started?
  body = file == '-' ? nil : File.binread(file)
  request = Net::HTTPGenericRequest.new(method, !body.nil?, true, path, { 'X-Trace-Id' => id, 'Accept-Encoding' => 'identity' })
  if body && framing == 'chunked'
    request['Transfer-Encoding'] = 'chunked'
    request['Content-Type'] = 'application/octet-stream'
    request.body_stream = File.open(file, 'rb')
  elsif body
    request['Content-Type'] = 'application/octet-stream'
    request.body = body
  end
  response = http.request(request)
  got = response.body || ''
  puts "done #{response.code} #{got.bytesize} #{Digest::SHA256.hexdigest(got)}"
end
http.finish
