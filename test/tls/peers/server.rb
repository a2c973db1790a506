# A server: server.rb FOLDER VERSION; see ../plan.ts.
require 'digest'
require 'openssl'
require 'securerandom'
require 'webrick'
require 'webrick/https'

folder, version = ARGV
exact = version == '1.2' ? OpenSSL::SSL::TLS1_2_VERSION : OpenSSL::SSL::TLS1_3_VERSION
$stdout.sync = true
server = WEBrick::HTTPServer.new(
  BindAddress: '127.0.0.1', Port: 0, RequestTimeout: 600, AccessLog: [], Logger: WEBrick::Log.new(File::NULL),
  SSLEnable: true,
  SSLCertificate: OpenSSL::X509::Certificate.new(File.read("#{folder}/cert.pem")),
  SSLPrivateKey: OpenSSL::PKey.read(File.read("#{folder}/key.pem")),
)
server.ssl_context.min_version = server.ssl_context.max_version = exact
class Servlet < WEBrick::HTTPServlet::AbstractServlet
  def service(request, response)
    received = request.body || ''
    response.status = request['X-Status'].to_i
    response['X-Answer'] = SecureRandom.hex(8)
    response['X-Received'] = Digest::SHA256.hexdigest(received)
    body = SecureRandom.random_bytes(request['X-Size'].to_i)
    response.body = body
    response.chunked = request['X-Framing'] == 'chunked'
  end
end
server.mount('/', Servlet)
Thread.new { server.start }
puts "ready #{server.config[:Port]} #{Process.pid}"
$stdin.read
exit!
