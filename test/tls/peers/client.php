<?php
// A client: client.php stream|curl PORT FOLDER VERSION; see ../plan.ts. `stream` opens a connection for each request.
[, $kind, $port, $folder, $version] = $argv;
echo 'pid ', getmypid(), "\n";
// Node's pipes are sockets, and of a socket PHP would read nothing after a minute.
stream_set_timeout(STDIN, 600);
$handle = $kind === 'curl' ? curl_init() : null;
while (($line = fgets(STDIN)) !== false) {
    [$method, $path, $id, $framing, $file] = explode(' ', trim($line));
    $url = "https://localhost:$port$path";
    $headers = ["X-Trace-Id: $id"];
    $body = $file === '-' ? null : file_get_contents($file);
    if ($kind === 'curl') {
        curl_reset($handle);
        if ($body !== null && $framing === 'chunked') {
            $headers[] = 'Transfer-Encoding: chunked';
            $input = fopen($file, 'rb');
            curl_setopt_array($handle, [CURLOPT_UPLOAD => true, CURLOPT_INFILE => $input]);
        } elseif ($body !== null) {
            curl_setopt($handle, CURLOPT_POSTFIELDS, $body);
        }
        $headers[] = 'Expect:';
        curl_setopt_array($handle, [
            CURLOPT_URL => $url,
            CURLOPT_CUSTOMREQUEST => $method,
            CURLOPT_HTTPHEADER => $headers,
            CURLOPT_RETURNTRANSFER => true,
            CURLOPT_CAINFO => "$folder/ca.pem",
            CURLOPT_HTTP_VERSION => CURL_HTTP_VERSION_1_1,
            CURLOPT_SSLVERSION => $version === '1.2'
                ? CURL_SSLVERSION_TLSv1_2 | CURL_SSLVERSION_MAX_TLSv1_2
                : CURL_SSLVERSION_TLSv1_3,
        ]);
        $got = curl_exec($handle);
        if ($got === false) {
            fwrite(STDERR, curl_error($handle));
            exit(1);
        }
        $status = curl_getinfo($handle, CURLINFO_RESPONSE_CODE);
    } else {
        $method_bit = $version === '1.2' ? STREAM_CRYPTO_METHOD_TLSv1_2_CLIENT : STREAM_CRYPTO_METHOD_TLSv1_3_CLIENT;
        if ($body !== null) {
            $headers[] = 'Content-Type: application/octet-stream';
        }
        $got = file_get_contents($url, false, stream_context_create([
            'http' => [
                'method' => $method, 'header' => $headers, 'content' => $body ?? '', 'ignore_errors' => true,
                'protocol_version' => '1.1',
            ],
            'ssl' => ['cafile' => "$folder/ca.pem", 'crypto_method' => $method_bit],
        ]));
        if ($got === false) {
            exit(1);
        }
        $status = explode(' ', $http_response_header[0])[1];
    }
    echo 'done ', $status, ' ', strlen($got), ' ', hash('sha256', $got), "\n";
}
