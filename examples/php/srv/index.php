<?php
// Counts a visit in the database, and says who took part. For PHP 5.6 and newer.
header('Content-Type: text/plain');

try {
    $database = new PDO('mysql:host=mysql', 'rump', '', array(PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION));
    $database->exec('CREATE DATABASE IF NOT EXISTS demo');
    $database->exec('CREATE TABLE IF NOT EXISTS demo.visits (id INT AUTO_INCREMENT PRIMARY KEY)');
    $database->exec('INSERT INTO demo.visits () VALUES ()');
    $visit = $database->lastInsertId();
    $hostname = $database->query('SELECT @@hostname')->fetchColumn();
} catch (PDOException $error) {
    http_response_code(502);
    exit('mysql: ' . $error->getMessage() . "\n");
}

echo gethostname(), "\n", $hostname, "\ncounter ", $visit, "\n";
