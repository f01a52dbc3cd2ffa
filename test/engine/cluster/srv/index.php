<?php
// Says who took part, where the next one speaks HTTP.
header('Content-Type: text/plain');
echo gethostname(), "\n", file_get_contents('http://mysql:80/via');
