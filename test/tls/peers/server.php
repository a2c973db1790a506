<?php
// A server of one connection after the other: server.php FOLDER VERSION; see ../plan.ts.
[, $folder, $version] = $argv;
ini_set('default_socket_timeout', '600');
$exact = $version === '1.2' ? STREAM_CRYPTO_METHOD_TLSv1_2_SERVER : STREAM_CRYPTO_METHOD_TLSv1_3_SERVER;
$context = stream_context_create(['ssl' => [
    'local_cert' => "$folder/cert.pem", 'local_pk' => "$folder/key.pem", 'crypto_method' => $exact,
]]);
$server = stream_socket_server('tcp://127.0.0.1:0', $code, $message, STREAM_SERVER_BIND | STREAM_SERVER_LISTEN, $context);
$port = explode(':', stream_socket_get_name($server, false))[1];
echo "ready $port ", getmypid(), "\n";

function read_exactly($socket, int $size): string
{
    $bytes = '';
    while (strlen($bytes) < $size && ($piece = fread($socket, $size - strlen($bytes))) !== false && $piece !== '') {
        $bytes .= $piece;
    }
    return $bytes;
}

function read_body($socket, array $fields): string
{
    if (($fields['transfer-encoding'] ?? '') !== 'chunked') {
        return read_exactly($socket, (int) ($fields['content-length'] ?? 0));
    }
    $body = '';
    while (($size = hexdec(trim(fgets($socket)))) > 0) {
        $body .= read_exactly($socket, $size);
        fgets($socket);
    }
    fgets($socket);
    return $body;
}

function write_all($socket, string $bytes): void
{
    while ($bytes !== '') {
        $bytes = substr($bytes, fwrite($socket, $bytes));
    }
}

function serve($socket): bool
{
    $fields = [];
    if (fgets($socket) === false) {
        return false;
    }
    while (($line = trim(fgets($socket))) !== '') {
        [$name, $value] = explode(':', $line, 2);
        $fields[strtolower($name)] = trim($value);
    }
    $received = hash('sha256', read_body($socket, $fields));
    $size = (int) $fields['x-size'];
    $body = $size === 0 ? '' : random_bytes($size);
    $head = "HTTP/1.1 {$fields['x-status']} Fine\r\nX-Answer: " . bin2hex(random_bytes(8)) . "\r\nX-Received: $received\r\n";
    if ($fields['x-framing'] === 'length') {
        write_all($socket, "{$head}Content-Length: $size\r\n\r\n");
        write_all($socket, $body);
    } else {
        write_all($socket, "{$head}Transfer-Encoding: chunked\r\n\r\n");
        foreach ($body === '' ? [] : str_split($body, 9000) as $piece) {
            write_all($socket, dechex(strlen($piece)) . "\r\n$piece\r\n");
        }
        write_all($socket, "0\r\n\r\n");
    }
    return true;
}

while (true) {
    $readable = [STDIN, $server];
    $none = null;
    stream_select($readable, $none, $none, null);
    if (in_array(STDIN, $readable, true)) {
        exit(0);
    }
    $socket = stream_socket_accept($server);
    if ($socket === false || !stream_socket_enable_crypto($socket, true, $exact)) {
        continue;
    }
    while (serve($socket)) {
    }
    fclose($socket);
}
