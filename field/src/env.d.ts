/// <reference types="vite/client" />
declare module 'vant/es/locale/lang/*'
