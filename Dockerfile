# docker build -t maskbench . && docker run --rm --user "$(id -u)" -v "$PWD:/work" maskbench run --models tv --metrics psnr
FROM python:3.12-slim
ENV PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu HOME=/tmp
WORKDIR /maskbench
COPY . .
RUN pip install --no-cache-dir --constraint constraints.txt .
WORKDIR /work
ENTRYPOINT ["bench"]
CMD ["--help"]
